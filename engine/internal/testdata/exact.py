"""Prints whether ONNX Runtime adds the products of int8 exactly on this processor, as JSON.

The processor is asked and not its list of features: an emulated one runs under a kernel that lists those of another.
"""
import json

import numpy as np
import onnx.helper as h
import onnxruntime as ort
from onnx import TensorProto, numpy_helper

CHANNELS, STEP = 64, 20000  # 255·127 added up 64 times is 103.6 steps; pairs that end at 32767 make 52.4


def main():
    constants = {"xs": np.float32(1), "xz": np.uint8(0), "w": np.full((4, CHANNELS, 1, 1), 127, np.int8), "ws": np.float32(1),
                 "wz": np.int8(0), "ys": np.float32(STEP), "yz": np.uint8(0)}
    graph = h.make_graph(
        [h.make_node("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"], ["y"])], "sum",
        [h.make_tensor_value_info("x", TensorProto.UINT8, [1, CHANNELS, 4, 4])], [h.make_tensor_value_info("y", TensorProto.UINT8, None)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y = int(session.run(None, {"x": np.full((1, CHANNELS, 4, 4), 255, np.uint8)})[0].flat[0])
    if y not in (52, 104):
        raise SystemExit(f"a sum of {CHANNELS} products gives {y} steps, neither 104 nor 52")
    print(json.dumps(y == 104))


if __name__ == "__main__":
    main()
