"""CDS from a client's side: the bodies that the specification allows, and who reads them."""
