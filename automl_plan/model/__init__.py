"""What a dataset and a model are: their desired, recorded and live forms, all frozen."""
