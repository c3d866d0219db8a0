"""torchrun without its log and tracebacks: a rank has reported what went wrong. It ends with what started it."""

import logging
import os
import signal
import sys
import threading
import time

import hohoho
from hohoho.stage.stop import REQUEUE

RANKS_FAILED = 70  # EX_SOFTWARE of sysexits.h; any other code is torchrun's own trouble
LOOK_EVERY_S = 0.5

# A store of addresses of its own for each start of the ranks: torch's default keeps those of ranks that were killed,
# and the new ones now and then wait for them in vain.
os.environ.setdefault("TORCH_DISABLE_SHARE_RDZV_TCP_STORE", "1")


def run() -> None:
    """Start the ranks that the command line asks for, as `python -m torch.distributed.run` does, and wait for them."""
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main

    logging.disable(logging.CRITICAL)
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        main()
    except ChildFailedError:
        sys.exit(RANKS_FAILED)
    except SignalException:
        sys.exit(REQUEUE)


def end_with_parent() -> None:
    """Stop this process, and with it the ranks, once what started it is gone."""
    while os.getppid() == hohoho.PARENT_AT_START:
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    run()
