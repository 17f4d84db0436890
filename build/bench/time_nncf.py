"""Times NNCF's quantize with its defaults on a model, for the job part of the benchmark.

usage: time_nncf.py MODEL IMAGE...

The images are decoded and made the input of 224x224 of torchvision's models beforehand, which is not timed, as importing is not.
Prints the seconds.
"""
import sys
import time

import nncf
import numpy as np
import onnx
from PIL import Image

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def sample(path, size=224, resize=256):
    image = Image.open(path).convert("RGB")
    scale = resize / min(image.size)
    image = image.resize([round(s * scale) for s in image.size], Image.Resampling.BILINEAR)
    left, top = ((s - size) // 2 for s in image.size)
    x = np.asarray(image.crop((left, top, left + size, top + size)), np.float32) / 255
    return ((x - MEAN) / STD).transpose(2, 0, 1)[None]


def main():
    model = onnx.load(sys.argv[1])
    name = model.graph.input[0].name
    samples = [sample(path) for path in sys.argv[2:]]
    began = time.perf_counter()
    nncf.quantize(model, nncf.Dataset(samples, lambda x: {name: x}), subset_size=len(samples))
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main()
