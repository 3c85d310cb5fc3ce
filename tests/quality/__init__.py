"""What the starter model promises, measured on messages it has not seen."""
