import os
import sys

BENCHMARKS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(BENCHMARKS)
sys.path[:0] = [BENCHMARKS, os.path.join(ROOT, "bindings", "python", "src"), os.path.join(ROOT, "Tests", "models")]
