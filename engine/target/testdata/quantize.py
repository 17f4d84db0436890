"""Quantizes models with ONNX Runtime's own tool, for the tests of engine/target and engine/intsim.

usage: quantize.py JOB.json

JOB is a list of {"model", "path", "type", "inputs"}: writes path, made of model by quantize_static with activations of type QUInt8 or QInt8 and
per-channel weights, calibrated on inputs, a list of {"file", "shape"} of little-endian float32. Where there are none it calibrates on one image of
noise: what is tested is then where the pairs stand.
"""
import json
import sys

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static


class Inputs(CalibrationDataReader):
    def __init__(self, model, inputs):
        i = model.graph.input[0]
        shape = [d.dim_value or 1 for d in i.type.tensor_type.shape.dim]
        rows = [np.fromfile(x["file"], "<f4").reshape(x["shape"]) for x in inputs]
        rows = rows or [np.random.default_rng(1).standard_normal(shape).astype(np.float32)]
        self.rows = iter([{i.name: row} for row in rows])

    def get_next(self):
        return next(self.rows, None)


def main():
    with open(sys.argv[1]) as f:
        jobs = json.load(f)
    for job in jobs:
        model = onnx.load(job["model"])
        if model.opset_import[0].version < 13:
            model = onnx.version_converter.convert_version(model, 13)
        quantize_static(model, job["path"], Inputs(model, job.get("inputs", [])), quant_format=QuantFormat.QDQ, per_channel=True,
                        weight_type=QuantType.QInt8, activation_type=getattr(QuantType, job["type"]))


if __name__ == "__main__":
    main()
