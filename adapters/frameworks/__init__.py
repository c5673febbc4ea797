"""One module or folder a framework, each with its ``ADAPTER``. Found by looking through this folder."""
