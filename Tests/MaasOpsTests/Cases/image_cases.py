"""Cases of images, windows and signals beyond ONNX's node tests. See make-cases.py."""
import itertools

import ml_dtypes
import numpy as np

random = np.random.default_rng(11)


def floats(*shape, dtype=np.float32):
    return random.uniform(-2, 2, shape).astype(dtype)


def ints(low, high, *shape, dtype=np.int64):
    return random.integers(low, high, shape).astype(dtype)


def i64(*values):
    return np.array(values, np.int64)


def f32(*values):
    return np.array(values, np.float32)


CLOSE = {"tolerance": (1e-4, 1e-5)}
HALF = {"tolerance": (5e-3, 5e-3)}


def cases():
    for group in (resizes, grids, regions, spreads, pools, spectra):
        yield from group()


def resizes():
    x = floats(1, 2, 3, 4)
    for mode, opset in itertools.product(("nearest", "linear"), (7, 9)):
        scales = [1.0, 1.0, 2.0, 1.5]
        attributes = {"mode": mode} | ({"scales": scales} if opset == 7 else {})
        yield f"upsample_{opset}_{mode}", "Upsample", opset, attributes, [x] + [f32(*scales)] * (opset == 9), {}
    repeated = x.repeat(2, axis=2).repeat(3, axis=3)
    attributes = {"height_scale": 2.0, "width_scale": 3.0}
    yield "upsample_1", "Upsample", 1, attributes, [x], {"expected": [repeated]}
    for name, scales in (("up", (1, 1, 2, 2.5)), ("down", (1, 1, 0.7, 0.6))):
        for mode in ("nearest", "linear"):
            yield f"resize_10_{mode}_{name}", "Resize", 10, {"mode": mode}, [x, f32(*scales)], {}
    none = f32()
    for transformation in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"):
        for mode in ("nearest", "linear", "cubic"):
            attributes = {"mode": mode, "coordinate_transformation_mode": transformation}
            for name, sizes in (("up", (1, 2, 5, 7)), ("down", (1, 2, 2, 3)), ("one", (1, 2, 1, 1))):
                if name == "one" and transformation == "align_corners":
                    continue
                inputs = [x, none, none, i64(*sizes)]
                yield f"resize_11_{mode}_{transformation}_{name}", "Resize", 11, attributes, inputs, CLOSE
    for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        for transformation in ("half_pixel", "asymmetric"):
            attributes = {"nearest_mode": nearest, "coordinate_transformation_mode": transformation}
            yield f"resize_13_{nearest}_{transformation}", "Resize", 13, attributes, [x, None, f32(1, 1, 2, 0.5)], {}
    for mode in ("nearest", "linear", "cubic"):
        attributes = {
            "mode": mode, "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 7.0,
        }  # fmt: skip
        inputs = [x, f32(0, 0, -0.3, 0.2, 1, 1, 0.8, 1.4), None, i64(1, 2, 4, 5)]
        yield f"resize_crop_{mode}", "Resize", 13, attributes, inputs, CLOSE
    attributes = {"mode": "cubic", "exclude_outside": 1, "cubic_coeff_a": -0.5}
    yield "resize_exclude_outside", "Resize", 13, attributes, [x, None, f32(1, 1, 2, 1.5)], CLOSE
    reference = {"reference": True} | CLOSE
    for mode in ("linear", "cubic"):
        for name, scales in (("down", (0.6, 0.5)), ("mixed", (1.5, 0.4))):
            attributes = {"mode": mode, "antialias": 1, "axes": [2, 3]}
            inputs = [floats(1, 1, 6, 7), None, f32(*scales)]
            yield f"resize_antialias_{mode}_{name}", "Resize", 18, attributes, inputs, reference
    for policy in ("not_larger", "not_smaller"):
        attributes = {"mode": "linear", "axes": [3, 2], "keep_aspect_ratio_policy": policy}
        yield f"resize_{policy}", "Resize", 18, attributes, [x, None, None, i64(7, 4)], reference
    for dtype in (np.float16, np.float64, np.uint8, np.int8, np.int32, np.int64):
        narrow = (ints(0, 100, 1, 1, 3, 4) if np.dtype(dtype).kind in "iu" else floats(1, 1, 3, 4)).astype(dtype)
        for mode in ("nearest", "linear"):
            more = reference | (HALF if dtype == np.float16 else {"tolerance": (1e-9, 1e-9)})
            name = f"resize_19_{mode}_{np.dtype(dtype).name}"
            yield name, "Resize", 19, {"mode": mode}, [narrow, None, f32(1, 1, 2, 1.5)], more
    yield "resize_overshoot", "Resize", 19, {"mode": "cubic"}, [
        np.array([[0, 0, 255, 255, 0]], np.uint8), None, f32(1, 2.2),
    ], {"reference": True}  # fmt: skip
    bits = np.array([[True, False]])
    y = bits.repeat(2, 0).repeat(2, 1)
    yield "resize_bool", "Resize", 19, {}, [bits, None, f32(2, 2)], {"expected": [y]}
    yield "resize_same", "Resize", 19, {}, [x, None, f32(1, 1, 1, 1)], {}


def grids():
    x = floats(2, 2, 4, 5)
    grid = random.uniform(-1.6, 1.6, (2, 3, 3, 2)).astype(np.float32)
    for mode, padding, corners in itertools.product(
        ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (0, 1)
    ):
        attributes = {"mode": mode, "padding_mode": padding, "align_corners": corners}
        yield f"grid_sample_16_{mode}_{padding}_{corners}", "GridSample", 16, attributes, [x, grid], CLOSE
    volume, positions = floats(1, 2, 3, 4, 3), random.uniform(-1.4, 1.4, (1, 2, 2, 3, 3)).astype(np.float32)
    for mode, padding in itertools.product(("linear", "nearest"), ("zeros", "border", "reflection")):
        attributes = {"mode": mode, "padding_mode": padding}
        yield f"grid_sample_volume_{mode}_{padding}", "GridSample", 20, attributes, [volume, positions], CLOSE
    reference = {"reference": True} | CLOSE
    yield "grid_sample_volume_cubic", "GridSample", 22, {"mode": "cubic"}, [volume, positions], reference
    wide = [x.astype(np.float64), grid.astype(np.float64)]
    yield "grid_sample_double", "GridSample", 22, {}, wide, {"tolerance": (1e-5, 1e-6)}
    yield "grid_sample_half", "GridSample", 22, {}, [x.astype(np.float16), grid], reference | HALF
    for dtype in (bool, np.int64):
        inputs = [ints(0, 2, 2, 2, 4, 5, dtype=dtype), grid]
        yield f"grid_sample_nearest_{dtype.__name__}", "GridSample", 16, {"mode": "nearest"}, inputs, reference
    far = f32(np.nan, 0, np.inf, 0, -np.inf, 3e38).reshape(1, 1, 3, 2)
    yield "grid_sample_far", "GridSample", 16, {}, [x[:1], far], {"expected": [np.zeros((1, 2, 1, 3), np.float32)]}
    for dtype in (np.float64, np.float16):
        theta = floats(2, 2, 3, dtype=dtype)
        base = np.stack(
            [np.tile((2 * np.arange(4) + 1) / 4 - 1, (3, 1)), np.tile((2 * np.arange(3) + 1) / 3 - 1, (4, 1)).T,
             np.ones((3, 4))], -1)  # fmt: skip
        y = np.einsum("nij,hwj->nhwi", theta.astype(np.float64), base).astype(dtype)
        yield f"affine_grid_{np.dtype(dtype).name}", "AffineGrid", 20, {}, [theta, i64(2, 1, 3, 4)], {"expected": [y]}


def regions():
    x = floats(2, 3, 6, 7)
    corners = f32([0, 0, 4, 3], [1.5, 2, 6, 5.5], [-1, -1, 9, 9]).reshape(3, 4)
    images = i64(0, 1, 1)
    for opset, mode, samples in itertools.product((10, 16), ("avg", "max"), (0, 2)):
        attributes = {"mode": mode, "output_height": 2, "output_width": 3, "sampling_ratio": samples,
            "spatial_scale": 0.8}
        name = f"roi_align_{opset}_{mode}_{samples}"
        more = {} if opset == 10 else {"reference": True}
        yield name, "RoiAlign", opset, attributes, [x, corners, images], more | CLOSE
    wide = [x.astype(np.float64), corners.astype(np.float64), images]
    yield "roi_align_double", "RoiAlign", 16, {"output_height": 2, "output_width": 2}, wide, {}
    pooled = {"pooled_shape": [2, 3], "spatial_scale": 0.9}
    boxes = f32([0, 0, 0, 4, 3], [1, 1.5, 2, 6, 5], [1, 3, 3, 3, 3], [0, 5, 5, 30, 2]).reshape(4, 5)
    yield "max_roi_pool", "MaxRoiPool", 1, pooled, [x, boxes], {}
    wide, boxes = x.astype(np.float64), np.array([[1, 1, 2, 4, 3]], np.float64)
    y = np.stack([wide[1:, :, 2:4, 1:3].max((2, 3)), wide[1:, :, 2:4, 3:5].max((2, 3))], -1)[:, :, None]
    yield "max_roi_pool_double", "MaxRoiPool", 22, {"pooled_shape": [1, 2]}, [wide, boxes], {"expected": [y]}


def spreads():
    x = floats(2, 4, 3, 4)
    for name, w, attributes in (
        ("plain", (4, 3, 3, 2), {}), ("strides", (4, 2, 3, 3), {"strides": [2, 3]}),
        ("pads", (4, 2, 3, 3), {"pads": [1, 0, 2, 1], "strides": [2, 2]}), ("groups", (4, 3, 2, 2), {"group": 2}),
        ("dilations", (4, 2, 2, 3), {"dilations": [2, 3], "strides": [1, 2]}),
        ("depthwise", (4, 1, 3, 3), {"group": 4}),
        ("output_padding", (4, 2, 3, 3), {"strides": [3, 2], "output_padding": [2, 1]}),
        ("upper", (4, 2, 3, 4), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ("lower", (4, 2, 3, 4), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
        ("valid", (4, 2, 3, 3), {"auto_pad": "VALID", "strides": [2, 1]}),
        ("output_shape", (4, 2, 3, 3), {"strides": [3, 2], "output_shape": [8, 6]}),
        ("output_larger", (4, 2, 3, 3), {"strides": [3, 2], "output_shape": [10, 10]}),
    ):  # fmt: skip
        inputs = [x, floats(*w), floats(w[1] * attributes.get("group", 1))]
        yield f"conv_transpose_{name}", "ConvTranspose", 11, attributes, inputs, CLOSE
    yield "conv_transpose_1", "ConvTranspose", 1, {"strides": [2, 2]}, [x, floats(4, 2, 2, 2)], CLOSE
    yield ("conv_transpose_1d", "ConvTranspose", 11, {"strides": [2], "pads": [1, 0]},
        [floats(1, 2, 5), floats(2, 3, 4)], CLOSE)
    attributes = {"strides": [1, 2, 2], "pads": [0, 1, 0, 1, 0, 1]}
    inputs = [floats(1, 2, 2, 3, 3), floats(2, 2, 2, 3, 2), floats(2)]
    yield "conv_transpose_3d", "ConvTranspose", 11, attributes, inputs, CLOSE
    reference = {"reference": True}
    wide = [v.astype(np.float64) for v in (x, floats(4, 2, 3, 3), floats(2))]
    yield "conv_transpose_double", "ConvTranspose", 11, {"strides": [2, 1]}, wide, reference
    narrow = [v.astype(np.float16) for v in (x, floats(4, 2, 3, 3), floats(2))]
    yield ("conv_transpose_half", "ConvTranspose", 22, {"strides": [2, 1]}, narrow,
        reference | {"tolerance": (1e-2, 2e-2)})

    attributes = {"strides": [2, 1], "pads": [0, 1, 1, 0], "dilations": [1, 2]}
    for dtype in (np.float32, np.float64, np.int8, np.int64, np.uint16, np.complex64):
        columns = (ints(0, 9, 2, 12, 10) + (1j * ints(0, 9, 2, 12, 10) if dtype == np.complex64 else 0)).astype(dtype)
        name = f"col2im_{np.dtype(dtype).name}"
        yield name, "Col2Im", 18, attributes, [columns, i64(4, 6), i64(2, 2)], reference
    yield "col2im_1d", "Col2Im", 18, {}, [floats(1, 6, 4), i64(6), i64(3)], reference

    for dtype in (np.float32, np.float64):
        for name, groups, offsets, mask in (("plain", 1, 1, False), ("groups", 2, 2, True)):
            inputs = [
                floats(1, 4, 4, 5), floats(4, 4 // groups, 2, 2), floats(1, offsets * 8, 4, 3), floats(4),
                floats(1, offsets * 4, 4, 3) if mask else None,
            ]  # fmt: skip
            inputs = [v if v is None else v.astype(dtype) for v in inputs]
            attributes = {
                "group": groups, "offset_group": offsets, "pads": [1, 0, 1, 1], "dilations": [1, 2], "strides": [1, 1],
            } | ({"dilations": [2, 1], "pads": [1, 1, 1, 0], "strides": [1, 2]} if mask else {})  # fmt: skip
            inputs[2:5] = [deform(v, attributes) if v is not None and v.ndim == 4 else v for v in inputs[2:5]]
            yield f"deform_conv_{name}_{np.dtype(dtype).name}", "DeformConv", 19, attributes, inputs, reference | CLOSE
    pooled, places = floats(1, 2, 2, 2), i64(5, 7, 13, 14, 16, 19, 26, 31).reshape(1, 2, 2, 2)
    for dtype in (np.float32, np.float64, np.float16):
        attributes = {"kernel_shape": [2, 2], "strides": [2, 2]}
        name = f"max_unpool_{np.dtype(dtype).name}"
        yield name, "MaxUnpool", 11, attributes, [pooled.astype(dtype), places], reference
    attributes = {"kernel_shape": [2], "strides": [2], "pads": [1, 0]}
    yield "max_unpool_1d", "MaxUnpool", 9, attributes, [floats(1, 1, 3), i64(0, 2, 4).reshape(1, 1, 3)], reference
    inputs = [pooled, places, i64(1, 3, 5, 4)]
    yield "max_unpool_shape", "MaxUnpool", 9, {"kernel_shape": [2, 2], "strides": [2, 2]}, inputs, reference


def deform(v, attributes):
    """The offsets or mask for the output that the attributes give to an input of 4 x 5 and a kernel of 2 x 2."""
    sizes = []
    for d, size in enumerate((4, 5)):
        pads = attributes["pads"][d] + attributes["pads"][d + 2]
        sizes.append((size + pads - attributes["dilations"][d] - 1) // attributes["strides"][d] + 1)
    return random.uniform(-1, 1, v.shape[:2] + tuple(sizes)).astype(v.dtype)


def pools():
    x = floats(1, 2, 5, 6)
    for opset, p in ((2, 2), (11, 1), (11, 3), (18, 2)):
        for name, attributes in (("plain", {}), ("pads", {"pads": [1, 0, 1, 1], "strides": [2, 2]})):
            attributes = {"kernel_shape": [3, 2], "p": p, **attributes}
            yield f"lp_pool_{opset}_{p}_{name}", "LpPool", opset, attributes, [x], CLOSE
    attributes = {"kernel_shape": [3, 2], "p": 3, "auto_pad": "SAME_UPPER"}
    yield "lp_pool_upper", "LpPool", 11, attributes, [x], CLOSE
    attributes = {"kernel_shape": [2, 2], "dilations": [2, 3], "strides": [2, 2], "ceil_mode": 1}
    yield "lp_pool_dilated_ceil", "LpPool", 18, attributes, [x], {"expected": [lp_windows(x, attributes)]} | CLOSE
    y = np.sqrt((np.lib.stride_tricks.sliding_window_view(x, (3, 2), axis=(2, 3)) ** 2).sum((-1, -2)))
    yield "lp_pool_1", "LpPool", 1, {"kernel_shape": [3, 2], "p": 2.0}, [x], {"expected": [y]} | CLOSE
    for dtype, more in ((np.float64, {"tolerance": (1e-9, 1e-9)}), (np.float16, HALF)):
        y = np.sqrt(
            (np.lib.stride_tricks.sliding_window_view(x.astype(dtype).astype(np.float64), 2, axis=2) ** 2).sum(-1))
        name = f"lp_pool_{np.dtype(dtype).name}"
        attributes = {"kernel_shape": [2, 1]}
        yield name, "LpPool", 18, attributes, [x.astype(dtype)], {"expected": [y.astype(dtype)]} | more
    for p in (1, 2, 3):
        yield f"global_lp_pool_{p}", "GlobalLpPool", 2, {"p": p}, [floats(2, 3, 4, 5)], CLOSE
        x64 = floats(2, 3, 4, dtype=np.float64)
        y = (np.abs(x64) ** p).sum(-1, keepdims=True) ** (1 / p)
        yield f"global_lp_pool_double_{p}", "GlobalLpPool", 2, {"p": p}, [x64], {"expected": [y]}
    y = (np.abs(x) ** 2.5).sum((2, 3), keepdims=True) ** (1 / 2.5)
    yield "global_lp_pool_1", "GlobalLpPool", 1, {"p": 2.5}, [x], {"expected": [y]} | CLOSE
    for op, opsets in (("MaxPool", (1, 8, 10, 11, 12)), ("AveragePool", (1, 7, 10, 11, 19))):
        for opset in opsets:
            attributes = {"kernel_shape": [2, 3], "strides": [2, 2], "pads": [0, 1, 1, 1]}
            if opset >= 10:
                attributes["ceil_mode"] = 1
            if opset >= (10 if op == "MaxPool" else 19):
                attributes["dilations"] = [1, 2]
            x, more = floats(1, 2, 5, 7), CLOSE
            if opset == 1:  # Padding does not count.
                padded = np.pad(x, ((0, 0), (0, 0), (0, 1), (1, 1)), constant_values=np.nan)
                windows = np.lib.stride_tricks.sliding_window_view(padded, (2, 3), axis=(2, 3))[:, :, ::2, ::2]
                y = (np.nanmean if op == "AveragePool" else np.nanmax)(windows, (-2, -1))
                more = CLOSE | {"expected": [y]}
            yield f"{op}_{opset}_attributes", op, opset, attributes, [x], more
        for rank, shape in ((1, (2, 2, 7)), (3, (1, 2, 3, 4, 5))):
            attributes = {"kernel_shape": [2] * rank, "strides": [2] * rank, "ceil_mode": 1}
            yield f"{op}_{rank}d_ceil", op, 19, attributes, [floats(*shape)], CLOSE
    for dtype in (np.int8, np.uint8):
        attributes = {"kernel_shape": [2, 2], "pads": [1, 1, 0, 0], "dilations": [1, 2]}
        x8 = ints(np.iinfo(dtype).min, np.iinfo(dtype).max, 1, 2, 4, 5, dtype=dtype)
        yield f"maxpool_low_{dtype.__name__}", "MaxPool", 12, attributes, [x8], {"outputs": 2}
    inputs = [v.astype(ml_dtypes.bfloat16) for v in (floats(1, 2, 4, 4), floats(2, 2, 2, 2))]
    wide = [v.astype(np.float64) for v in inputs]
    y = np.einsum("nchwij,mcij->nmhw", np.lib.stride_tricks.sliding_window_view(wide[0], (2, 2), axis=(2, 3)), wide[1])
    yield "conv_bfloat16", "Conv", 22, {}, inputs, {"expected": [y.astype(ml_dtypes.bfloat16)]}
    yield ("conv_1", "Conv", 1, {"kernel_shape": [2, 2], "auto_pad": "SAME_UPPER"}, [x, floats(3, 2, 2, 2), floats(3)],
        CLOSE)


def lp_windows(x, attributes):
    """The norms of all windows that begin inside the input; what lies beyond the end counts nothing."""
    (kh, kw), (dh, dw), (sh, sw) = (attributes[name] for name in ("kernel_shape", "dilations", "strides"))
    sizes = [-(-(n - (k - 1) * d - 1) // s) + 1 for n, k, d, s in zip(x.shape[2:], (kh, kw), (dh, dw), (sh, sw))]
    y = np.empty(x.shape[:2] + tuple(sizes), x.dtype)
    for i, j in np.ndindex(*sizes):
        window = x[:, :, i * sh : i * sh + kh * dh : dh, j * sw : j * sw + kw * dw : dw]
        y[:, :, i, j] = np.sqrt((window**2).sum((2, 3)))
    return y


def spectra():
    reference = {"reference": True}
    double = {"tolerance": (1e-9, 1e-9)}
    for length in (1, 2, 3, 4, 8, 12, 13, 16, 17, 30, 34, 47, 64, 77):
        x = floats(2, length, 2, dtype=np.float64)
        z = x[..., 0] + 1j * x[..., 1]
        for inverse in (0, 1):
            y = np.fft.ifft(z) if inverse else np.fft.fft(z)
            y = np.stack([y.real, y.imag], -1)
            yield f"dft_{length}_{inverse}", "DFT", 20, {"inverse": inverse}, [x], {"expected": [y]} | double
    for length, given in ((9, None), (9, 12), (9, 6), (8, 16), (8, 5)):
        x = floats(2, length, 3, 1)
        inputs = [x] + ([np.array(given, np.int32)] if given else [])
        y = np.fft.rfft(x[..., 0], given, axis=1)
        y = np.stack([y.real, y.imag], -1).astype(np.float32)
        name = f"dft_real_{length}_{given}"
        yield name, "DFT", 17, {"axis": 1, "onesided": 1}, inputs, {"expected": [y]} | CLOSE
        spectrum = floats(2, length, 3, 2)
        y = np.fft.irfft(spectrum[..., 0] + 1j * spectrum[..., 1], given, axis=1)[..., None].astype(np.float32)
        inputs = [spectrum, np.array(given, np.int64) if given else None, i64(1).reshape(())]
        yield f"dft_back_{length}_{given}", "DFT", 20, {"inverse": 1, "onesided": 1}, inputs, {"expected": [y]} | CLOSE
    yield "dft_17_default", "DFT", 17, {}, [floats(1, 6, 2, 2)], reference | CLOSE
    x = floats(1, 10, 1, dtype=np.float16)
    y = np.fft.fft(x[..., 0].astype(np.float64))
    y = np.stack([y.real, y.imag], -1).astype(np.float16)
    yield "dft_half", "DFT", 20, {}, [x], {"expected": [y]} | HALF

    for dtype, parts, onesided in ((np.float32, 1, 1), (np.float64, 1, 0), (np.float32, 2, 0)):
        signal, window = floats(2, 23, parts, dtype=dtype), floats(8, dtype=dtype)
        z = signal[..., 0] + (1j * signal[..., 1] if parts == 2 else 0)
        frames = np.stack([z[:, 5 * i : 5 * i + 8] * window for i in range(4)], 1).astype(np.complex128)
        y = np.fft.fft(frames)[..., : 5 if onesided else 8]
        y = np.stack([y.real, y.imag], -1).astype(dtype)
        inputs = [signal, np.array(5, np.int64), window, np.array(8, np.int64)]
        name = f"stft_{np.dtype(dtype).name}_{parts}_{onesided}"
        more = {"expected": [y], "tolerance": (1e-4, 1e-4)}
        yield name, "STFT", 17, {"onesided": onesided}, inputs, more
        yield name + "_window", "STFT", 17, {"onesided": onesided}, inputs[:3], more
    for op in ("Hann", "Hamming", "Blackman"):
        for dtype, code in ((np.float64, 11), (np.float16, 10), (np.float32, 1)):
            for periodic in (0, 1):
                attributes = {"output_datatype": code, "periodic": periodic}
                name = f"{op}_{np.dtype(dtype).name}_{periodic}"
                n = 2 * np.pi * np.arange(9) / (9 if periodic else 8)
                a = {"Hann": (0.5, 0.5, 0), "Hamming": (25 / 46, 21 / 46, 0), "Blackman": (0.42, 0.5, 0.08)}[op]
                y = a[0] - a[1] * np.cos(n) + a[2] * np.cos(2 * n)
                more = {"expected": [y.astype(dtype)]}
                yield name, f"{op}Window", 17, attributes, [np.array(9, np.int32 if periodic else np.int64)], more
    for bands, length, rate, low, high in ((4, 32, 16000, 0, 8000), (6, 20, 8000, 100, 3500)):
        scalars = [np.array(v, np.int64) for v in (bands, length, rate)] + [np.array(v, np.float32)
            for v in (low, high)]
        yield f"mel_{bands}", "MelWeightMatrix", 17, {}, scalars, reference | CLOSE
    yield "mel_double", "MelWeightMatrix", 17, {"output_datatype": 11}, scalars, reference
