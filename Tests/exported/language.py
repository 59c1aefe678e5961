"""Transformers of language and sound, from configurations of the library of that name, small and with random
weights."""
import torch
import transformers
from torch import nn
from transformers.cache_utils import DynamicCache

from architecture import Architecture, floats, tokens

VOCABULARY = 64
TEXT = {"input_ids": {0: "batch", 1: "length"}}
MASKED = TEXT | {"attention_mask": {0: "batch", 1: "length"}}
CACHE = {"input_ids": {0: "batch"}, "past_keys": {1: "batch", 3: "past"}, "past_values": {1: "batch", 3: "past"}}


class Wrapped(nn.Module):
    """A model that takes tensors by these names and gives the first of its results."""

    def __init__(self, model, *names, **options):
        super().__init__()
        self.model, self.names, self.options = model, names, options

    def forward(self, first, second=None):
        return self.model(**dict(zip(self.names, (first, second))), **self.options)[0]


class Cached(nn.Module):
    """A decoder that goes on from the keys and values of all its layers, [layer, batch, head, past, channel]."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, past_keys, past_values):
        cache = DynamicCache(zip(past_keys.unbind(0), past_values.unbind(0)))
        result = self.model(input_ids=input_ids, past_key_values=cache, use_cache=True)
        layers = result.past_key_values.layers
        return result.logits, torch.stack([l.keys for l in layers]), torch.stack([l.values for l in layers])


def text(batch, length):
    return {"input_ids": tokens(VOCABULARY, batch, length)}


def masked(batch, length):
    mask = torch.ones(batch, length, dtype=torch.int64)
    mask[-1, length - 2 :] = 0
    return text(batch, length) | {"attention_mask": mask}


def cached(layers, heads, channels):
    def inputs(batch, past):
        shape = layers, batch, heads, past, channels
        return text(batch, 3) | {"past_keys": floats(*shape), "past_values": floats(*shape)}

    return inputs


def bert():
    config = transformers.BertConfig(
        vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=64
    )  # fmt: skip
    return Wrapped(transformers.BertModel(config), "input_ids", "attention_mask")


def gpt2():
    config = transformers.GPT2Config(vocab_size=VOCABULARY, n_positions=64, n_embd=32, n_layer=2, n_head=4)
    return Cached(transformers.GPT2LMHeadModel(config))


def llama():
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64
    )  # fmt: skip
    return Cached(transformers.LlamaForCausalLM(config))


def t5():
    config = transformers.T5Config(
        vocab_size=VOCABULARY, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, feed_forward_proj="gated-gelu",
        pad_token_id=0, decoder_start_token_id=0
    )  # fmt: skip
    return Wrapped(transformers.T5ForConditionalGeneration(config), "input_ids", "decoder_input_ids", use_cache=False)


def whisper():
    config = transformers.WhisperConfig(
        num_mel_bins=16, d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=48,
        max_source_positions=30,
        vocab_size=VOCABULARY, decoder_layers=1, decoder_attention_heads=4, decoder_ffn_dim=48, pad_token_id=0
    )  # fmt: skip
    return Wrapped(transformers.WhisperModel(config).encoder, "input_features")


def mamba():
    config = transformers.MambaConfig(vocab_size=VOCABULARY, hidden_size=16, state_size=4, num_hidden_layers=2,
        time_step_rank=4)
    return Wrapped(transformers.MambaForCausalLM(config), "input_ids", use_cache=False)


def translation(batch, length):
    return text(batch, length) | {"decoder_input_ids": tokens(VOCABULARY, batch, 4)}


SOUND = {"input_features": {0: "batch"}}
BOTH = TEXT | {"decoder_input_ids": {0: "batch", 1: "decoded"}}
PRESENT = ["logits", "keys", "values"]
ARCHITECTURES = [
    Architecture("bert", bert, masked, MASKED),
    Architecture("gpt2", gpt2, cached(2, 4, 8), CACHE, PRESENT),
    Architecture("llama", llama, cached(2, 2, 8), CACHE, PRESENT),
    Architecture("t5", t5, translation, BOTH, ["logits"]),
    Architecture("whisper-encoder", whisper, lambda batch, _: {"input_features": floats(batch, 16, 60)}, SOUND),
    Architecture("mamba", mamba, lambda batch, _: text(batch, 6), {"input_ids": {0: "batch"}}, ["logits"]),
]
