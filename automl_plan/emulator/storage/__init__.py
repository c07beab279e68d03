"""Cloud Storage's JSON API v1: the folders below the bucket root are the buckets."""
