"""Fits, measures and exports models; scikit-learn lives here and nowhere else. Never ships."""
