"""Appendix: notation. The symbols of three papers beside those used here, and the list of sources.

Shapes: batch first, (B, T, H). B batch, S source length, T target length, V vocabulary, D input size
(also the embedding size), H hidden size, G number of gate blocks in a cell (cells.py). Gradients:
dX = ∂L/∂X has the shape of X. Vectors are rows, and a matrix multiplies from the right, x W: our W is the
transpose of a paper's W x. [a; b] is a and b side by side, one longer row. In activations, layers and cells,
a b and a · b multiply two vectors entry by entry; in scores and attention, q_t · k_s is the dot product.

All other letters hold for one chapter only, which explains them: n is the candidate of a GRU, and the
normalised vector in layers; g is the candidate of an LSTM, and a gain in layers; L is the loss, and a length
in tasks.

The symbols of the papers. Read this table when you have come to attention.py:

    here                    Bahdanau et al. (2015)      Luong et al. (2015)     Vaswani et al. (2017)
    ─────────────────────── ─────────────────────────── ─────────────────────── ─────────────────────────
    source token x_s        x_j                         x_j                     x_i
    memory m_s              annotation h_j              h̄_s (h with a bar)      row of V; z_i of the encoder
    key k_s                 U_a h_j                     W_a h̄_s                 row of K
    query q_t               s_{i−1}                     h_t                     row of Q
    score e_ts              e_ij = a(s_{i−1}, h_j)      score(h_t, h̄_s)         entry of Q Kᵀ / √d_k
    weight α_ts             α_ij                        a_t(s)                  entry of softmax(Q Kᵀ / √d_k)
    context c_t             c_i                         c_t                     row of Attention(Q, K, V)
    decoder's state         s_i                         h_t                     none: keys and values are kept
    readout out_t           t̃_i, maxout (A.2.2)         h̃_t (h with a tilde)    the decoder's top layer
    target token y_t        y_i                         y_t                     y_i
    hidden size H           n                           d                       d_model
    size of a head A        —                           —                       d_k = d_v
    LSTM cell state c       — (a GRU)                   not written             —

Watch out for two collisions. Bahdanau's h is the *encoder's* output and s the decoder's; Luong's h is the
decoder's. And c is the context in all of them, but the cell state inside an LSTM: here c is the cell state in
cells.py, and the context wherever attention is written (attention, decoders, step_decoders, multihead).

INDEX says where a term of the field is to be found, SOURCES lists every work that a docstring cites, those of
the demos too.
"""

INDEX = {
    "alignment model": "scores.additive_score_forward, attention.align_forward",
    "annotation": "encoders.recurrent_encoder_forward",
    "attention weights, context vector": "attention.attention_forward",
    "backpropagation through time": "recurrent.recurrent_backward",
    "beam search, length penalty": "beam.generate_beam, beam.length_penalty",
    "causal mask": "transformer.transformer_forward",
    "exposure bias, scheduled sampling": "training.sampled_inputs",
    "gradient clipping": "optim.clip_by_global_norm",
    "input feeding": "step_decoders.luong_feeding_forward",
    "label smoothing": "losses.cross_entropy_forward",
    "padding mask in the state": "recurrent.recurrent_forward",
    "padding mask in attention": "attention.masked_softmax_forward",
    "padding mask in the loss": "losses.cross_entropy_forward",
    "positional encoding": "transformer.positions",
    "residual connection": "transformer.feed_forward_forward",
    "self-attention, cross-attention": "transformer.self_forward, transformer.cross_forward",
    "teacher forcing": "seq2seq.seq2seq_forward",
    "temperature, top-k sampling": "generate.generate_sample",
    "vanishing and exploding gradients, gates": "cells.lstm_cell_backward",
    "warm-up": "optim.warmup_cosine, optim.inverse_sqrt",
}

SOURCES = {
    "Alain 2017": "Alain & Bengio. Understanding Intermediate Layers Using Linear Classifier Probes. ICLR "
    "2017 (workshop), arXiv:1610.01644",
    "Ba 2016": "Ba, Kiros & Hinton. Layer Normalization. arXiv:1607.06450",
    "Bahdanau 2015": "Bahdanau, Cho & Bengio. Neural Machine Translation by Jointly Learning to Align and "
    "Translate. ICLR 2015, arXiv:1409.0473",
    "Bengio 1994": "Bengio, Simard & Frasconi. Learning Long-Term Dependencies with Gradient Descent is "
    "Difficult. IEEE Transactions on Neural Networks 5(2), doi:10.1109/72.279181",
    "Bengio 2015": "Bengio, Vinyals, Jaitly & Shazeer. Scheduled Sampling for Sequence Prediction with "
    "Recurrent Neural Networks. NeurIPS 2015, arXiv:1506.03099",
    "Bowman 2016": "Bowman, Vilnis, Vinyals, Dai, Jozefowicz & Bengio. Generating Sentences from a "
    "Continuous Space. CoNLL 2016, arXiv:1511.06349",
    "Cho 2014": "Cho et al. Learning Phrase Representations using RNN Encoder–Decoder for Statistical "
    "Machine Translation. EMNLP 2014, arXiv:1406.1078",
    "Chung 2014": "Chung, Gulcehre, Cho & Bengio. Empirical Evaluation of Gated Recurrent Neural Networks on "
    "Sequence Modeling. arXiv:1412.3555",
    "Elman 1990": "Elman. Finding Structure in Time. Cognitive Science 14(2), doi:10.1207/s15516709cog1402_1",
    "Fan 2018": "Fan, Lewis & Dauphin. Hierarchical Neural Story Generation. ACL 2018, arXiv:1805.04833",
    "Gers 2000": "Gers, Schmidhuber & Cummins. Learning to Forget: Continual Prediction with LSTM. Neural "
    "Computation 12(10), doi:10.1162/089976600300015015. Peepholes: Gers & Schmidhuber. Recurrent Nets "
    "that Time and Count. IJCNN 2000, doi:10.1109/IJCNN.2000.861302",
    "Glorot 2010": "Glorot & Bengio. Understanding the Difficulty of Training Deep Feedforward Neural "
    "Networks. AISTATS 2010, PMLR 9:249–256",
    "Graves 2005": "Graves & Schmidhuber. Framewise Phoneme Classification with Bidirectional LSTM and Other "
    "Neural Network Architectures. Neural Networks 18, doi:10.1016/j.neunet.2005.06.042",
    "Hochreiter 1997": "Hochreiter & Schmidhuber. Long Short-Term Memory. Neural Computation 9(8), "
    "doi:10.1162/neco.1997.9.8.1735",
    "Hoerl 1970": "Hoerl & Kennard. Ridge Regression: Biased Estimation for Nonorthogonal Problems. "
    "Technometrics 12(1), doi:10.1080/00401706.1970.10488634",
    "Jozefowicz 2015": "Jozefowicz, Zaremba & Sutskever. An Empirical Exploration of Recurrent Network "
    "Architectures. ICML 2015, PMLR 37:2342–2350",
    "Kingma 2015": "Kingma & Ba. Adam: A Method for Stochastic Optimization. ICLR 2015, arXiv:1412.6980",
    "Levenshtein 1966": "Levenshtein. Binary Codes Capable of Correcting Deletions, Insertions, and "
    "Reversals. Soviet Physics Doklady 10(8), 707–710",
    "Loshchilov 2017": "Loshchilov & Hutter. SGDR: Stochastic Gradient Descent with Warm Restarts. ICLR "
    "2017, arXiv:1608.03983",
    "Loshchilov 2019": "Loshchilov & Hutter. Decoupled Weight Decay Regularization. ICLR 2019, "
    "arXiv:1711.05101",
    "Luong 2015": "Luong, Pham & Manning. Effective Approaches to Attention-based Neural Machine "
    "Translation. EMNLP 2015, arXiv:1508.04025",
    "Maddison 2014": "Maddison, Tarlow & Minka. A* Sampling. NeurIPS 2014, arXiv:1411.0030",
    "Och 2000": "Och & Ney. Improved Statistical Alignment Models. ACL 2000, doi:10.3115/1075218.1075274",
    "Och 2003": "Och & Ney. A Systematic Comparison of Various Statistical Alignment Models. Computational "
    "Linguistics 29(1), doi:10.1162/089120103321337421",
    "Papineni 2002": "Papineni, Roukos, Ward & Zhu. BLEU: a Method for Automatic Evaluation of Machine "
    "Translation. ACL 2002, doi:10.3115/1073083.1073135",
    "Pascanu 2013": "Pascanu, Mikolov & Bengio. On the Difficulty of Training Recurrent Neural Networks. "
    "ICML 2013, arXiv:1211.5063",
    "Pham 2013": "Pham, Bluche, Kermorvant & Louradour. Dropout Improves Recurrent Neural Networks for "
    "Handwriting Recognition. arXiv:1312.4569",
    "Ranzato 2016": "Ranzato, Chopra, Auli & Zaremba. Sequence Level Training with Recurrent Neural "
    "Networks. ICLR 2016, arXiv:1511.06732",
    "Saxe 2014": "Saxe, McClelland & Ganguli. Exact Solutions to the Nonlinear Dynamics of Learning in Deep "
    "Linear Neural Networks. ICLR 2014, arXiv:1312.6120",
    "Schuster 1997": "Schuster & Paliwal. Bidirectional Recurrent Neural Networks. IEEE Transactions on "
    "Signal Processing 45(11), doi:10.1109/78.650093",
    "Simonyan 2014": "Simonyan, Vedaldi & Zisserman. Deep Inside Convolutional Networks: Visualising Image "
    "Classification Models and Saliency Maps. ICLR 2014 (workshop), arXiv:1312.6034",
    "Squire 1998": "Squire & Trapp. Using Complex Variables to Estimate Derivatives of Real Functions. SIAM "
    "Review 40(1), doi:10.1137/S003614459631241X",
    "Srivastava 2014": "Srivastava et al. Dropout: A Simple Way to Prevent Neural Networks from Overfitting. "
    "JMLR 15:1929–1958",
    "Sutskever 2014": "Sutskever, Vinyals & Le. Sequence to Sequence Learning with Neural Networks. NeurIPS "
    "2014, arXiv:1409.3215",
    "Szegedy 2016": "Szegedy et al. Rethinking the Inception Architecture for Computer Vision. CVPR 2016, "
    "arXiv:1512.00567",
    "Vaswani 2017": "Vaswani et al. Attention Is All You Need. NeurIPS 2017, arXiv:1706.03762",
    "Wagner 1974": "Wagner & Fischer. The String-to-String Correction Problem. Journal of the ACM 21(1), "
    "doi:10.1145/321796.321811",
    "Werbos 1990": "Werbos. Backpropagation Through Time: What It Does and How to Do It. Proceedings of the "
    "IEEE 78(10), doi:10.1109/5.58337",
    "Wu 2016": "Wu et al. Google's Neural Machine Translation System. arXiv:1609.08144",
    "Xiong 2020": "Xiong et al. On Layer Normalization in the Transformer Architecture. ICML 2020, "
    "arXiv:2002.04745",
    "Zaremba 2014": "Zaremba, Sutskever & Vinyals. Recurrent Neural Network Regularization. arXiv:1409.2329",
}
