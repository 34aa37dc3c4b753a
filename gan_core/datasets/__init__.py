"""How each kind of data set is fetched, prepared and read; the table of them is in :mod:`gan_core.data`."""
