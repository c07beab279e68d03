"""The services that hold datasets and models, behind one protocol; a provider is a folder."""
