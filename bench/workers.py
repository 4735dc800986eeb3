# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Engines in processes of their own (engines.py), which take turns on the same cores."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

BENCH = Path(__file__).resolve().parent


class Worker:
    """An engine with a loaded model in a process of its own. Its inputs are in `folder`/inputs.npz."""

    def __init__(self, engine, model, folder, threads, cores, convoy, options):
        place = Path(tempfile.mkdtemp(prefix=engine, dir=folder))
        self.process = subprocess.Popen(
            [sys.executable, BENCH / "engines.py", engine, model, place, str(threads), convoy,
             json.dumps(options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores), env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )
        self.error = None
        self.seconds = []
        self.info = self.read()
        self.rest()

    def read(self):
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"the process ended ({self.process.wait()})"}
        self.error = self.error or answer.get("error")
        return answer

    def rest(self):
        """Stops the process until the next command, because its idle threads may spin."""
        self.process.send_signal(signal.SIGSTOP)

    def ask(self, command):
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.read()
        self.rest()
        return answer

    def get_outputs(self, file, inputs=None):
        """The outputs for other inputs, or for the last ones; None after an error."""
        if inputs and not self.error:
            self.ask(f"inputs {inputs}")
        if self.error:
            return None
        self.ask(f"outputs {file}")
        return None if self.error else list(np.load(file).values())

    def time(self, runs):
        self.seconds += self.ask(f"time {runs}").get("seconds", [])

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def take_turns(workers, seconds):
    """Times workers that have no error: as many rounds as fit into the time, each of a few runs of every worker.
    Afterwards `worker.seconds` has the times, and a worker that failed meanwhile has an error."""
    for worker in workers:
        worker.time(1)
    alive = [worker for worker in workers if not worker.error]
    slowest = max(worker.seconds[-1] for worker in alive)
    runs = max(1, min(10, int(0.05 / slowest)))
    rounds = max(3, min(60, int(seconds / (slowest * runs * len(alive)))))
    for worker in alive:
        worker.seconds.clear()
    for _ in range(rounds):
        for worker in alive:
            worker.time(runs)
