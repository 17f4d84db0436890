"""Says which kernel OpenVINO's CPU plugin takes for each node of models, for the tests of engine/intsim.

usage: kernels_openvino.py JOB.json

JOB is a list of paths. Prints a JSON list of {name of the node in the file: name of the kernel}. The environment variable
ONEDNN_MAX_CPU_ISA chooses the instruction set.
"""
import json
import sys

import openvino as ov


def text(value):
    return str(value.astype(str)) if hasattr(value, "astype") else str(value)


def kernels(path):
    core = ov.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    found = {}
    for op in compiled.get_runtime_model().get_ops():
        info = {k: text(v) for k, v in op.get_rt_info().items()}
        found |= {name.split("/WithoutBiases")[0]: info["primitiveType"] for name in info.get("originalLayersNames", "").split(",") if name}
    return found


with open(sys.argv[1]) as f:
    print(json.dumps([kernels(path) for path in json.load(f)]))
