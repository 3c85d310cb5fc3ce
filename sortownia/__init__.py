"""What runs on a developer's machine and never ships to Lambda: the command line and the local stack."""
