"""Import before numpy: libraries of linear algebra use one thread in the tests and in the processes that they start.

Their threads wait busily for each other: two processes with two threads each took several times as long on two cores.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
