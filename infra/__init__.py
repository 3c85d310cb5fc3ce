"""What the stack is made of: generator of the template and of the roles, the package, and the proof of it."""
