"""What ships to score a message: NumPy and the standard library only, knowing neither AWS nor the desk."""
