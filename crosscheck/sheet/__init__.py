"""The sheet itself: proofs, properties, studies, and the points on which its print is contested."""
