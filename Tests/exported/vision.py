"""Networks of images: those of torchvision, and U-Net, super-resolution and a detection head."""
import sys

import torch
from torch import nn
from torch.nn import functional as F

from architecture import Architecture, floats

VARYING = {"x": {0: "batch", 2: "height", 3: "width"}}
SPATIAL = {"x": {2: "height", 3: "width"}}
BATCH = {"x": {0: "batch"}}


def non_maximum_suppression(boxes, scores, threshold):
    """Greedy suppression, as torchvision's kernel does it; the exporters need its number of results only."""
    order, kept = scores.argsort(descending=True), []
    corners, sizes = boxes[:, :2], (boxes[:, 2:] - boxes[:, :2]).prod(1)
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low = torch.maximum(corners[best], boxes[order, :2])
        high = torch.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = (high - low).clamp(min=0).prod(1)
        order = order[shared / (sizes[best] + sizes[order] - shared) <= threshold]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.int64)


def import_torchvision():
    """torchvision's kernels do not load where torch was built for another device; its networks do without them."""
    try:
        import torchvision
    except RuntimeError:
        for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        torch.library.impl("torchvision::nms", "CPU", non_maximum_suppression)
        import torchvision
    return torchvision


torchvision = import_torchvision()
models = torchvision.models


def images(batch, side):
    return {"x": floats(batch, 3, side, side)}


class Block(nn.Sequential):
    def __init__(self, inside, outside):
        super().__init__(
            nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(),
            nn.Conv2d(outside, outside, 3, padding=1), nn.GroupNorm(2, outside), nn.LeakyReLU(0.1),
        )  # fmt: skip


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.middle = Block(3, 8), Block(8, 16), Block(16, 32)
        self.up2, self.up1 = nn.ConvTranspose2d(32, 16, 2, stride=2), nn.Conv2d(16, 8, 1)
        self.join2, self.join1, self.head = Block(32, 16), Block(16, 8), nn.Conv2d(8, 4, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.middle(F.avg_pool2d(b, 2))
        c = self.join2(torch.cat([self.up2(c), b], 1))
        c = F.interpolate(self.up1(c), scale_factor=2, mode="bilinear", align_corners=False)
        return self.head(self.join1(torch.cat([c, a], 1))).softmax(1)


class SuperResolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 16, 5, padding=2), nn.Conv2d(16, 16, 3, padding=1, groups=4)
        self.last, self.shuffle, self.slope = nn.Conv2d(16, 27, 3, padding=1), nn.PixelShuffle(3), nn.PReLU(16)

    def forward(self, x):
        y = self.slope(self.second(F.gelu(self.first(x))))
        return self.shuffle(self.last(y)) + F.interpolate(x, scale_factor=3, mode="bicubic", align_corners=False)


class Detector(nn.Module):
    """A head with anchors at two scales: decoded boxes, scores, suppression over all classes."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.SiLU(), nn.Conv2d(16, 16, 3, 2, 1), nn.Hardswish())
        self.coarse = nn.Conv2d(16, 16, 3, 2, 1)
        self.heads = nn.ModuleList(nn.Conv2d(16, 9, 1) for _ in range(2))

    def decode(self, features, head, stride):
        y = head(features)
        rows, columns = y.shape[2], y.shape[3]
        grid = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")[::-1])
        centre = (y[:, :2].sigmoid() + grid) * stride
        size = y[:, 2:4].exp() * stride * 4
        boxes = torch.cat([centre - size / 2, centre + size / 2], 1).flatten(2).transpose(1, 2)
        return boxes, y[:, 4:].flatten(2).transpose(1, 2).softmax(2)

    def forward(self, x):
        fine = self.body(x)
        found = [self.decode(f, h, s) for f, h, s in zip((fine, self.coarse(fine)), self.heads, (4, 8))]
        boxes, scores = (torch.cat(parts, 1)[0] for parts in zip(*found))
        best, label = scores.max(1)
        keep = torch.ops.torchvision.nms(boxes + label[:, None] * 1000.0, best, 0.4)
        return boxes[keep], best[keep], label[keep]


def mobilenet_v2():
    return models.mobilenet_v2(width_mult=0.25, num_classes=10)


def mobilenet_v3():
    return models.mobilenet_v3_small(width_mult=0.5, num_classes=10)


def efficientnet():
    block = models.efficientnet.MBConvConfig
    rows = [block(1, 3, 1, 16, 8, 1, 1.0, 1.0), block(4, 5, 2, 8, 16, 2, 1.0, 1.0), block(4, 3, 2, 16, 24, 2, 1.0, 1.0)]
    return models.EfficientNet(rows, dropout=0.2, num_classes=10, last_channel=64)


def convnext():
    block = models.convnext.CNBlockConfig
    return models.ConvNeXt([block(16, 32, 1), block(32, 48, 2), block(48, None, 1)], num_classes=10)


def swin():
    return models.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=10)


def vit():
    return models.VisionTransformer(32, 8, 2, 4, 32, 64, num_classes=10)


IMAGES = ((1, 64), (3, 96))
FIXED = ((1, 64), (3, 64))
ARCHITECTURES = [
    Architecture("resnet18", lambda: models.resnet18(num_classes=10), images, VARYING, sizes=IMAGES),
    Architecture("mobilenet-v2", mobilenet_v2, images, VARYING, sizes=IMAGES),
    Architecture("mobilenet-v3", mobilenet_v3, images, VARYING, sizes=IMAGES),
    Architecture("efficientnet", efficientnet, images, VARYING, sizes=IMAGES),
    Architecture("convnext", convnext, images, VARYING, sizes=IMAGES),
    Architecture("densenet", lambda: models.DenseNet(8, (2, 3, 2), 16, num_classes=10), images, VARYING, sizes=IMAGES),
    Architecture("squeezenet", lambda: models.squeezenet1_1(num_classes=10), images, VARYING, sizes=IMAGES),
    Architecture("shufflenet", lambda: models.shufflenet_v2_x0_5(num_classes=10), images, VARYING, sizes=IMAGES),
    Architecture("vit", vit, images, BATCH, sizes=((1, 32), (3, 32))),
    Architecture("swin", swin, images, BATCH, sizes=FIXED),
    Architecture("u-net", UNet, images, VARYING, sizes=((1, 32), (2, 48))),
    Architecture("super-resolution", SuperResolution, images, VARYING, sizes=((1, 20), (2, 33))),
    Architecture("detector", Detector, images, SPATIAL, ["boxes", "scores", "labels"], ((1, 32), (1, 48))),
]  # fmt: skip
