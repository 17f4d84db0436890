"""Runs a model in ONNX Runtime on real images and writes what every node computes.

usage: reference.py DATA MODEL OUT IMAGES [all]

DATA is the data folder, MODEL a file of its models/, IMAGES how many images. Writes, for image k,
OUT/k.input.npy, OUT/k.<i>.npy for value i, and OUT/values.txt with one value name per line. Without
"all" only the outputs of the graph are values.
"""

import glob
import os
import sys

import numpy
import onnx
import onnxruntime
from PIL import Image

IMAGENET = (numpy.array([0.485, 0.456, 0.406]) * 255, numpy.array([0.229, 0.224, 0.225]) * 255)


def crop(path, mean, std):
    x = numpy.asarray(Image.open(path).convert("RGB"), dtype=numpy.float32)[16:240, 16:240]
    return (x - mean) / std


def letterbox(path, size, mean, std):
    im = Image.open(path).convert("RGB")
    r = min(size / im.width, size / im.height)
    im = im.resize((int(im.width * r), int(im.height * r)), Image.BILINEAR)
    x = numpy.full((size, size, 3), 114, dtype=numpy.float32)
    x[: im.height, : im.width] = numpy.asarray(im)[:, :, ::-1]
    return (x - mean) / std


def cifar(path):
    x = numpy.fromfile(path, dtype=numpy.uint8).reshape(32, 32, 3).astype(numpy.float32)
    return (x - IMAGENET[0]) / IMAGENET[1]


PREPROCESS = {
    "cifar10": ("cifar10/test200/*", cifar),
    "mobilenet_v1": ("imagenet/eval/*.jp*g", lambda p: crop(p, 127.5, 127.5)),
    "yolox": ("coco/images/val2017/*.jpg", lambda p: letterbox(p, 416, 0, 1)),
    "nanodet": ("coco/images/val2017/*.jpg", lambda p: letterbox(p, 320, numpy.array([103.53, 116.28, 123.675]), numpy.array([57.375, 57.12, 58.395]))),
    "": ("imagenet/eval/*.jp*g", lambda p: crop(p, *IMAGENET)),
}


def main(data, name, out, count, all_values):
    model = onnx.load(os.path.join(data, "models", name))
    wanted = [o.name for o in model.graph.output]
    if all_values:
        known = set(wanted)
        for node in model.graph.node:
            for o in node.output:
                if o and o not in known:
                    known.add(o)
                    wanted.append(o)
                    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(o))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    with open(os.path.join(out, "values.txt"), "w") as f:
        f.write("".join(w + "\n" for w in wanted))
    pattern, prepare = next(v for k, v in PREPROCESS.items() if name.startswith(k))
    paths = sorted(glob.glob(os.path.join(data, pattern)))
    for k, path in enumerate(paths[:: max(len(paths) // count, 1)][:count]):
        x = numpy.ascontiguousarray(prepare(path).transpose(2, 0, 1)[None], dtype=numpy.float32)
        numpy.save(os.path.join(out, f"{k}.input.npy"), x)
        for i, y in enumerate(session.run(wanted, {session.get_inputs()[0].name: x})):
            numpy.save(os.path.join(out, f"{k}.{i}.npy"), numpy.asarray(y, order="C"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), len(sys.argv) > 5)
