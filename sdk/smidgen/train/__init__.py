"""Train: the bridge to Keras. Importing a module of this folder needs `pip install 'smidgen[train]'`."""
