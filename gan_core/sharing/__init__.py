"""A trained generator to give away: as a page that any browser opens, or as a script with its weights."""
