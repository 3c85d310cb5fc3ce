"""The item's life: what it is, which steps are legal, what each step changes. Pure."""
