"""Runs every case of the models in the folders given on the command line; prints what is wrong, then their number.

MAAS_ISA chooses the kernels once per process, so there is a process for each tier.
"""

import sys

import golden
import maas


def check(model, inputs, outputs):
    wanted, feed = golden.load(outputs), golden.load(inputs)

    def answer(threads):
        session = maas.Session(model, threads=threads)
        return dict(zip(wanted, session.run(list(wanted), feed)))

    return golden.fault(answer, wanted)


if __name__ == "__main__":
    cases = list(golden.cases(sys.argv[1:]))
    for case in cases:
        problem = check(*case)
        if problem:
            print(f"{golden.name_of(case[1])}: {problem}")
    print(f"{len(cases)} cases")
