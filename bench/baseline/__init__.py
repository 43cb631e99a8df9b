"""What the programs of this folder share. Imported before numpy, as `sori` does it, too."""

import os

# A second thread that waits busily for products this small takes the core of a model call.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
