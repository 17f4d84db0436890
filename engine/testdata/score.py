"""Scores ONNX files in the real runtimes on labelled images, with Pillow's and pycocotools' arithmetic and nothing of Dropquant.

usage: score.py JOB.json

JOB is a list of {"model", "ref", "runtime": "onnxruntime" | "openvino", "task", "data", "limit", "exact"}. exact: ONNX Runtime adds products of
int8 in 32 bits on any CPU, as a GPU does. task: "torchvision", "keras" (top-1 on
data/imagenet/eval), "cifar" (top-1 on data/cifar10/test200), "yolox", "nanodet" (box AP on data/coco/val2017). Prints a JSON list with,
for each: score in percent and bytes of the file; of classifiers the path, the label and the first answer of each image; with a ref its
score (float), agreement of the top-1 in percent (classifiers) and SQNR of all outputs in dB.
"""
import contextlib
import csv
import io
import json
import os
import sys

import numpy as np
import onnxruntime as ort
from PIL import Image

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
CLASSES = [i for i in range(1, 91) if i not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]


def nchw(x):
    return np.ascontiguousarray(x.transpose(2, 0, 1)[None], dtype=np.float32)


def crop(path):
    im = Image.open(path).convert("RGB")
    x, y = (im.width - 224) // 2, (im.height - 224) // 2
    return np.asarray(im.crop((x, y, x + 224, y + 224)), np.float32)


def letterbox(path, size, pad):
    im = Image.open(path).convert("RGB")
    r = min(size / im.width, size / im.height)
    im = im.resize((int(im.width * r), int(im.height * r)), Image.BILINEAR)
    x = np.full((size, size, 3), pad, np.float32)
    x[: im.height, : im.width] = np.asarray(im)[:, :, ::-1]
    return x


PREPROCESS = {
    "torchvision": lambda p: nchw((crop(p) / 255 - MEAN) / STD),
    "keras": lambda p: nchw(crop(p) / 127.5 - 1),
    "cifar": lambda p: nchw((np.fromfile(p, np.uint8).reshape(32, 32, 3).astype(np.float32) / 255 - MEAN) / STD),
    "yolox": lambda p: nchw(letterbox(p, 416, 114)),
    "nanodet": lambda p: nchw((letterbox(p, 320, 0) - [103.53, 116.28, 123.675]) / [57.375, 57.12, 58.395]),
}


def rows(path):
    with open(path) as f:
        return list(csv.DictReader(f))


def samples(task, data, limit):
    """The paths of the images with their labels: a class, or an image record of COCO."""
    if task in ("yolox", "nanodet"):
        with open(f"{data}/coco/instances_val2017_128.json") as f:
            return [(f"{data}/coco/images/val2017/{i['file_name']}", i) for i in json.load(f)["images"][:limit]]
    if task == "cifar":
        return [(f"{data}/cifar10/test200/{r['file']}", int(r["label"])) for r in rows(f"{data}/cifar10/test200_labels.csv")[:limit]]
    return [(f"{data}/imagenet/eval/{r['file']}", int(r["index"])) for r in rows(f"{data}/imagenet/eval_labels.csv")[:limit]]


def runner(path, runtime, shape, exact=False):
    if runtime == "onnxruntime":
        options = ort.SessionOptions()
        options.log_severity_level = 4
        if exact:
            options.add_session_config_entry("session.x64quantprecision", "1")
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda x: session.run(None, {name: x})
    import openvino as ov

    core = ov.Core()
    model = core.read_model(path)
    model.reshape({model.input(0): list(shape)})
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(x):
        y = compiled(x)
        return [y[i].copy() for i in range(len(compiled.outputs))]

    return run


def grid(size):
    for stride in (8, 16, 32):
        n = size // stride
        y, x = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
        yield stride, np.stack([x, y], 2).reshape(-1, 2)


def yolox(outs):
    y = outs[0][0]
    cells = np.concatenate([c for _, c in grid(416)])
    strides = np.concatenate([np.full((len(c), 1), s) for s, c in grid(416)])
    centre, size = (y[:, :2] + cells) * strides, np.exp(y[:, 2:4]) * strides
    return np.concatenate([centre - size / 2, centre + size / 2], 1), y[:, 4:5] * y[:, 5:], 0.65


def nanodet(outs):
    flat = [o.reshape(-1, o.shape[-1]) for o in outs]
    boxes, scores = [], []
    for stride, cells in grid(320):
        cls = next(o for o in flat if o.shape == (len(cells), 80))
        reg = next(o for o in flat if o.shape == (len(cells), 32)).reshape(-1, 4, 8)
        e = np.exp(reg - reg.max(2, keepdims=True))
        sides = (e / e.sum(2, keepdims=True) * np.arange(8)).sum(2) * stride
        centre = (cells + 0.5) * stride
        boxes.append(np.concatenate([centre - sides[:, :2], centre + sides[:, 2:]], 1))
        scores.append(cls)
    return np.concatenate(boxes), np.concatenate(scores), 0.6


def suppress(boxes, scores, iou):
    """The indices that greedy non-maximum suppression keeps, best first."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = scores.argsort()[::-1]
    while len(order):
        i, rest = order[0], order[1:]
        yield i
        side = np.minimum(boxes[i, 2:], boxes[rest, 2:]) - np.maximum(boxes[i, :2], boxes[rest, :2])
        inter = np.clip(side, 0, None).prod(1)
        order = rest[inter / (area[i] + area[rest] - inter + 1e-9) <= iou]


def detections(outs, task, image):
    boxes, scores, iou = {"yolox": yolox, "nanodet": nanodet}[task](outs)
    size = {"yolox": 416, "nanodet": 320}[task]
    boxes = boxes / min(size / image["width"], size / image["height"])
    for k, category in enumerate(CLASSES):
        keep = scores[:, k] > 0.01
        b, s = boxes[keep], scores[keep, k]
        for i in suppress(b, s, iou):
            yield {"image_id": image["id"], "category_id": category, "score": float(s[i]),
                   "bbox": [float(b[i, 0]), float(b[i, 1]), float(b[i, 2] - b[i, 0]), float(b[i, 3] - b[i, 1])]}


def score(outs, labels, task, data):
    if task not in ("yolox", "nanodet"):
        return 100 * float(np.mean([o[0].argmax() == label for o, label in zip(outs, labels)]))
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    found = [d for o, i in zip(outs, labels) for d in detections(o, task, i)]
    if not found:
        return 0.0
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(f"{data}/coco/instances_val2017_128.json")
        e = COCOeval(truth, truth.loadRes(found), "bbox")
        e.params.imgIds = [i["id"] for i in labels]
        e.evaluate()
        e.accumulate()
        e.summarize()
    return 100 * float(e.stats[0])


def main():
    with open(sys.argv[1]) as f:
        jobs = json.load(f)
    results = []
    for job in jobs:
        task, data = job["task"], job["data"]
        pairs = samples(task, data, job.get("limit"))
        labels = [label for _, label in pairs]
        first = PREPROCESS[task](pairs[0][0])
        run = runner(job["model"], job["runtime"], first.shape, job.get("exact", False))
        ref = runner(job["ref"], "onnxruntime", first.shape) if job.get("ref") else None
        outs, refs, signal, noise = [], [], 0.0, 0.0
        for path, _ in pairs:
            x = PREPROCESS[task](path)
            outs.append(run(x))
            if not ref:
                continue
            refs.append(ref(x))
            for r, o in zip(refs[-1], outs[-1]):
                signal += float((r.astype(np.float64) ** 2).sum())
                noise += float(((r - o.astype(np.float64)) ** 2).sum())
        result = {"score": score(outs, labels, task, data), "bytes": os.path.getsize(job["model"])}
        if task not in ("yolox", "nanodet"):
            result |= {"images": [path for path, _ in pairs], "labels": labels, "answers": [int(o[0].argmax()) for o in outs]}
        if ref:
            result |= {"float": score(refs, labels, task, data), "sqnr": float(10 * np.log10(signal / max(noise, 1e-30))),
                       "agreement": 100 * float(np.mean([r[0].argmax() == o[0].argmax() for r, o in zip(refs, outs)]))}
        results.append(result)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
