"""Cloud Storage's JSON API v1, reading only: the folders below the bucket root are the buckets."""
