"""The embedded service: started on loopback when it is needed."""
