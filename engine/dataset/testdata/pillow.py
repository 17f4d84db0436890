#!/usr/bin/env python3
"""What Pillow makes of images: the oracle of package dataset. Needs pillow and numpy.

usage: pillow.py golden OUT.zip    small files of every kind, and in expected.txt for each: name width height sha256
                                   of ImageOps.exif_transpose(Image.open(name)).convert('RGB').tobytes()
       pillow.py facts FILE...     the same lines for any files
       pillow.py resized           what resize.txt holds: w h w h filter sha256, of Image.resize of the picture noise(w, h)
       pillow.py resize W H W H FILTER                 one such line
       pillow.py input PRESET SIZE FILE OUT.f32        what a network reads, written from the presets' own sources
       pillow.py levels PRESET OUT.f32                 the 3x256 values of all levels of the three channels

pixels.zip was written by: pillow.py golden pixels.zip   (Pillow 13.0.0, libjpeg-turbo 3.2.0, libwebp as bundled)
"""
import hashlib, io, struct, sys, zipfile, zlib
import numpy as np
from PIL import Image, ImageOps

FILTERS = {'bilinear': Image.BILINEAR, 'bicubic': Image.BICUBIC, 'nearest': Image.NEAREST}


def scene(w, h, seed=1):
    """Gradients, edges and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:h, 0:w]
    a = np.stack([x * 255 / max(w - 1, 1), y * 255 / max(h - 1, 1), (x * 7 + y * 13) % 256], 2)
    a[(x // 4 + y // 6) % 3 == 0] = rng.integers(0, 256, 3)
    return Image.fromarray(np.clip(a + rng.normal(0, 20, a.shape), 0, 255).astype(np.uint8))


def save(im, fmt, **kw):
    b = io.BytesIO(); im.save(b, fmt, **kw); return b.getvalue()


def oriented(n):
    e = Image.Exif(); e[0x0112] = n; return e.tobytes()


def patched(data, luma, w, h):
    """The file with another sampling of the first component and as many MCUs: other pixels, but as valid."""
    i = data.index(b'\xff\xc0'); d = bytearray(data); d[i + 5:i + 9] = struct.pack('>HH', h, w); d[i + 11] = luma; return bytes(d)


def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def png16(w, h, kind):
    """16-bit PNG, which Pillow cannot write for colours."""
    n = {0: 1, 2: 3, 4: 2, 6: 4}[kind]
    a = np.random.default_rng(kind).integers(0, 65536, (h, w * n)).astype('>u2')
    rows = b''.join(b'\0' + r.tobytes() for r in a)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, 16, kind, 0, 0, 0)) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def files():
    big, odd = scene(40, 32), scene(37, 29, 2)
    for w, h in [(1, 1), (2, 3), (3, 2), (4, 4), (5, 5), (6, 1), (1, 9), (16, 16), (17, 9), (33, 18), (37, 29)]:
        for sub in ('4:4:4', '4:2:2', '4:2:0'):
            yield f'{w}x{h}-{sub.replace(":", "")}.jpg', save(scene(w, h), 'JPEG', quality=90, subsampling=sub)
    for sub in ('4:4:4', '4:2:2', '4:2:0'):
        yield f'progressive-{sub.replace(":", "")}.jpg', save(odd, 'JPEG', quality=85, subsampling=sub, progressive=True)
    yield 'q100.jpg', save(odd, 'JPEG', quality=100, subsampling='4:4:4')
    yield 'q3.jpg', save(odd, 'JPEG', quality=3)
    yield 'optimized.jpg', save(odd, 'JPEG', optimize=True)
    yield 'restart.jpg', save(odd, 'JPEG', restart_marker_blocks=2)
    yield 'restart-progressive.jpg', save(odd, 'JPEG', restart_marker_rows=1, progressive=True)
    yield 'grey.jpg', save(odd.convert('L'), 'JPEG')
    yield 'grey-progressive.jpg', save(odd.convert('L'), 'JPEG', progressive=True)
    yield 'rgb.jpg', save(odd, 'JPEG', keep_rgb=True)
    cmyk = save(odd.convert('CMYK'), 'JPEG', quality=90)
    yield 'cmyk.jpg', cmyk
    i = cmyk.index(b'Adobe'); yield 'ycck.jpg', cmyk[:i + 11] + b'\2' + cmyk[i + 12:]
    plain = bytearray(cmyk); plain[i] = 0; yield 'cmyk-plain.jpg', bytes(plain)
    yield '440.jpg', patched(save(scene(32, 32), 'JPEG', subsampling='4:2:2', quality=90), 0x12, 29, 27)
    yield '411.jpg', patched(save(scene(64, 16), 'JPEG', subsampling='4:2:0', quality=90), 0x41, 61, 13)
    for o in range(1, 9):
        yield f'exif{o}.jpg', save(scene(11, 6), 'JPEG', exif=oriented(o))
    yield 'exif6.png', save(scene(11, 6), 'PNG', exif=oriented(6))
    yield 'exif8.webp', save(scene(11, 6), 'WEBP', lossless=True, exif=oriented(8))
    for mode in ('1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'I;16'):
        im = odd.convert('L').convert('I').point(lambda v: v * 257).convert('I;16') if mode == 'I;16' else odd.convert(mode)
        if mode in ('LA', 'RGBA'): im.putalpha(Image.fromarray(np.random.default_rng(3).integers(0, 256, (29, 37)).astype(np.uint8)))
        yield f'mode-{mode.replace(";", "")}.png', save(im, 'PNG')
    yield 'p-transparent.png', save(odd.convert('P'), 'PNG', transparency=3)
    yield 'p-16colours.png', save(odd.quantize(16), 'PNG', bits=4)
    yield 'l-transparent.png', save(odd.convert('L'), 'PNG', transparency=200)
    for kind in (2, 4, 6): yield f'png16-{kind}.png', png16(9, 7, kind)
    yield 'plain.gif', save(odd.convert('P'), 'GIF')
    yield 'transparent.gif', save(odd.convert('P'), 'GIF', transparency=5)
    g = bytearray(save(odd.convert('P'), 'GIF')); i = 13 + 3 * (2 << (g[10] & 7)); i = g.index(b'\x2c', i)
    g[6:10] = struct.pack('<HH', 50, 40); g[i + 1:i + 5] = struct.pack('<HH', 7, 5); yield 'offset.gif', bytes(g)
    yield 'animated.gif', save(odd.convert('P'), 'GIF', save_all=True, append_images=[scene(37, 29, 5).convert('P')])
    for mode in ('1', 'L', 'P', 'RGB', 'RGBA'): yield f'mode-{mode}.bmp', save(odd.convert(mode), 'BMP')
    for w, h in [(1, 1), (2, 2), (3, 5), (16, 16), (37, 29), (40, 32)]: yield f'{w}x{h}.webp', save(scene(w, h), 'WEBP', quality=80)
    alpha = odd.convert('RGBA'); alpha.putalpha(Image.fromarray(np.random.default_rng(3).integers(1, 256, (29, 37)).astype(np.uint8)))
    yield 'lossless.webp', save(odd, 'WEBP', lossless=True)
    yield 'lossless-alpha.webp', save(alpha, 'WEBP', lossless=True, exact=True)
    yield 'alpha.webp', save(alpha, 'WEBP', quality=70)


def fact(name, data):
    im = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert('RGB')
    return f'{name} {im.width} {im.height} {hashlib.sha256(im.tobytes()).hexdigest()}\n'


def main():
    if sys.argv[1] == 'golden':
        with zipfile.ZipFile(sys.argv[2], 'w', zipfile.ZIP_DEFLATED) as z:
            facts = ''
            for name, data in files():
                z.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED); facts += fact(name, data)
            z.writestr(zipfile.ZipInfo('expected.txt'), facts, zipfile.ZIP_DEFLATED)
    elif sys.argv[1] == 'facts':
        for name in sys.argv[2:]:
            with open(name, 'rb') as f: print(fact(name, f.read()), end='')
    elif sys.argv[1] == 'resized':
        print('# Written by: pillow.py resized   (Pillow %s)' % Image.__version__)
        for a in ((1, 1, 5, 3), (5, 4, 1, 1), (7, 5, 7, 5), (40, 30, 20, 15), (40, 30, 21, 30), (40, 30, 40, 7), (33, 47, 64, 64), (300, 200, 37, 23),
                  (3, 200, 90, 4), (257, 129, 256, 128), (64, 64, 224, 224), (500, 2, 13, 9), (60, 200, 50, 100), (60, 200, 10, 100)):
            for f in FILTERS: print(resized(*a, f))
    elif sys.argv[1] == 'resize':
        print(resized(*map(int, sys.argv[2:6]), sys.argv[6]))
    elif sys.argv[1] == 'levels':
        levels(*sys.argv[2:4])
    else:
        network_input(*sys.argv[2:6])


def noise(w, h):
    i = np.arange(w * h * 3, dtype=np.uint64)
    return Image.fromarray(((i * np.uint64(2654435761) >> np.uint64(13)) & np.uint64(255)).astype(np.uint8).reshape(h, w, 3))


def resized(w, h, ow, oh, f):
    return f'{w} {h} {ow} {oh} {f} {hashlib.sha256(noise(w, h).resize((ow, oh), FILTERS[f]).tobytes()).hexdigest()}'


def network_input(preset, size, path, out):
    size, im = int(size), ImageOps.exif_transpose(Image.open(path)).convert('RGB')
    if preset in ('yolox', 'nanodet'):
        r = min(size / im.width, size / im.height)
        im = im.resize((int(im.width * r), int(im.height * r)), Image.BILINEAR)
        x = np.full((size, size, 3), 114 if preset == 'yolox' else 0, np.float32)
        x[:im.height, :im.width] = np.asarray(im)[:, :, ::-1]
    else:
        short = size if preset == 'cifar' else round(256 / 224 * size)
        w, h = im.size
        w, h = (short, int(short * h / w)) if w <= h else (int(short * w / h), short)
        im = im.resize((w, h), Image.BILINEAR)
        x0, y0 = round((w - size) / 2), round((h - size) / 2)
        x = np.asarray(im.crop((x0, y0, x0 + size, y0 + size)), np.float32)
    write(normalize(preset, x), out)


def levels(preset, out):
    write(normalize(preset, np.arange(256, dtype=np.float32)[None, :, None].repeat(3, 2)), out)


def normalize(preset, x):
    """Keras' imagenet_utils.py, and in NumPy torchvision's ConvertImageDtype and Normalize and NanoDet's color.py."""
    if preset == 'keras':
        x /= 127.5
        x -= 1.
    if preset in ('torchvision', 'cifar', 'raw01', 'ultralytics'):
        x = x / 255
    if preset in ('torchvision', 'cifar'):
        x = (x - [.485, .456, .406]) / [.229, .224, .225]
    if preset == 'nanodet':
        x = (x - [103.53, 116.28, 123.675]) / [57.375, 57.12, 58.395]
    return x


def write(x, out):
    x.transpose(2, 0, 1).astype('<f4').tofile(out)


if __name__ == '__main__':
    main()
