"""Where torch documents itself."""

DOCS = "https://docs.pytorch.org/docs/stable/generated/"
SOURCE = "https://github.com/pytorch/pytorch/blob/v2.13.0/"
RULES = SOURCE + "tools/autograd/derivatives.yaml"
