"""Everything that the pages share: the shell, translation, URL state, forms, charts and panels."""
