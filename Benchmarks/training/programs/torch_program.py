"""The reference program on PyTorch."""
import sys

import torch

x, y = torch.rand(100, 10), torch.rand(100, 1)
model = torch.nn.Sequential(torch.nn.Linear(10, 10), torch.nn.ReLU(), torch.nn.Linear(10, 1))
optimizer = torch.optim.Adam(model.parameters(), fused=True)
for _ in range(100):
    for index in torch.randperm(100).split(25):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x[index]), y[index])
        loss.backward()
        optimizer.step()
print(loss.item())
torch.save(model.state_dict(), sys.argv[1])
