"""The whole system on this machine: the real package on an emulator, with the doors AWS would have."""
