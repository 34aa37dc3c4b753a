# A server that strangers share: a Docker Space, or any machine with Docker.
#   docker build -t gan-workbench . && docker run -p 8501:8501 -v gan-runs:/home/user/runs gan-workbench
# `-e GAN_HOSTED=0` takes the limits away.
FROM python:3.12-slim

# A Space runs as this user, who may write to no folder but the home.
RUN useradd --create-home --uid 1000 user && install --directory --owner=user /home/user/runs /home/user/data
WORKDIR /app

# Torch for CPUs has an index of its own; what PyPI offers carries gigabytes for GPUs.
COPY requirements.txt .
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu "torch>=2.9" "torchvision>=0.24" \
    && pip install --no-cache-dir -r requirements.txt

# Owned by root, so that nothing that is served can change the code.
COPY . .
RUN python -m compileall -q app.py pages gan_core

USER user
ENV HOME=/home/user \
    GAN_HOSTED=1 \
    GAN_RUNS_DIR=/home/user/runs \
    GAN_DATA_DIR=/home/user/data \
    OMP_NUM_THREADS=2 \
    PYTHONUNBUFFERED=1
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
# A Space shows the app within another site's page, where browsers withhold the cookie of Streamlit's protection and
# every upload would fail; the address of an upload holds a secret of its session anyway.
CMD ["streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true", \
     "--server.fileWatcherType=none", "--server.enableXsrfProtection=false"]
