/* A Llama forward in C99 through Warpline's C ABI: maps a checkpoint's bfloat16 weights, feeds the given
 * prompt and prints the ids of the 8 tokens that follow, each the most probable one.
 *
 *   storyteller MODEL_DIR id [id ...]
 *
 * The weights are used where they are mapped; activations and the KV cache are float32. The model must be a
 * Llama without biases, in one model.safetensors, its output tied to its embedding. POSIX only (mmap). */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <warpline/warpline.h>

enum { NEW_TOKENS = 8, MAX_PROMPT = 1024, MAX_LAYERS = 128 };

static void die(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("storyteller: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static void check(wl_status status) {
  if (status != WL_STATUS_OK) die("%s (%s)", wl_last_error(), wl_status_string(status));
}

/* ---- tensors */

static wl_tensor tensor(void* data, int32_t dtype, int32_t rank, const int64_t* shape) {
  wl_tensor t;
  int64_t stride = 1;
  memset(&t, 0, sizeof t);
  t.data = data;
  t.dtype = dtype;
  t.rank = rank;
  for (int axis = rank - 1; axis >= 0; --axis) {
    t.shape[axis] = shape[axis];
    t.strides[axis] = stride;
    stride *= shape[axis];
  }
  return t;
}

static wl_tensor ints(int32_t* data, int64_t n) { return tensor(data, WL_DTYPE_INT32, 1, &n); }

static wl_tensor matrix(float* data, int64_t rows, int64_t columns) {
  const int64_t shape[] = {rows, columns};
  return tensor(data, WL_DTYPE_FLOAT32, 2, shape);
}

/* Rows of heads that lie behind each other: [rows, heads, d]. */
static wl_tensor heads_of(float* data, int64_t rows, int64_t heads, int64_t d) {
  const int64_t shape[] = {rows, heads, d};
  return tensor(data, WL_DTYPE_FLOAT32, 3, shape);
}

/* One sequence of them: [1, rows, heads, d]. */
static wl_tensor sequence(float* data, int64_t rows, int64_t heads, int64_t d) {
  const int64_t shape[] = {1, rows, heads, d};
  return tensor(data, WL_DTYPE_FLOAT32, 4, shape);
}

static float* floats(int64_t count) {
  void* memory = NULL;
  check(wl_host_alloc((uint64_t)count * sizeof(float), &memory));
  return memory;
}

/* ---- the checkpoint */

struct mapping {
  const char* data;
  size_t size;
};

static struct mapping map_file(const char* directory, const char* name) {
  char path[4096];
  struct mapping file;
  struct stat status;
  void* data;
  int descriptor;
  if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path) die("the path is too long");
  descriptor = open(path, O_RDONLY);
  if (descriptor < 0 || fstat(descriptor, &status) != 0) die("%s cannot be opened", path);
  if (status.st_size < 8) die("%s has %lld bytes; at least 8 are needed", path, (long long)status.st_size);
  file.size = (size_t)status.st_size;
  data = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) die("%s cannot be mapped", path);
  close(descriptor);
  file.data = data;
  return file;
}

/* A NUL-terminated copy, so that the string functions stop at its end. */
static char* text_of(const char* data, size_t size) {
  char* text = malloc(size + 1);
  if (text == NULL) die("no memory for %zu bytes of text", size);
  memcpy(text, data, size);
  text[size] = '\0';
  return text;
}

/* What follows `"key":` in JSON text before its next '}'; NULL where the key is missing. */
static const char* value_of(const char* json, const char* key) {
  char quoted[256];
  const char* end = strchr(json, '}');
  const char* at;
  if (snprintf(quoted, sizeof quoted, "\"%s\"", key) >= (int)sizeof quoted)
    die("the key %s is too long", key);
  at = strstr(json, quoted);
  if (at == NULL || (end != NULL && at > end)) return NULL;
  at += strlen(quoted);
  at += strspn(at, " \t\r\n");
  return *at == ':' ? at + 1 + strspn(at + 1, " \t\r\n") : NULL;
}

/* Reads "[a, b, ...]" of unsigned numbers; returns how many. */
static int numbers_of(const char* list, const char* name, int64_t* numbers, int most) {
  int count = 0;
  if (list == NULL || *list != '[') die("%s: a list is missing in the header", name);
  ++list;
  while (*(list += strspn(list, " ,")) != ']') {
    char* end;
    const long long value = strtoll(list, &end, 10);
    if (end == list || value < 0 || count == most) die("%s: a list in the header cannot be read", name);
    numbers[count++] = value;
    list = end;
  }
  return count;
}

struct checkpoint {
  char* header; /* JSON */
  const char* tensors;
  size_t tensors_size;
  char* config; /* JSON */
};

static struct checkpoint open_checkpoint(const char* directory) {
  struct checkpoint c;
  const struct mapping weights = map_file(directory, "model.safetensors");
  const struct mapping config = map_file(directory, "config.json");
  uint64_t header_size = 0;
  for (int i = 7; i >= 0; --i) header_size = header_size << 8 | (unsigned char)weights.data[i];
  if (header_size > weights.size - 8) die("model.safetensors: its header is longer than the file");
  c.header = text_of(weights.data + 8, (size_t)header_size);
  c.tensors = weights.data + 8 + header_size;
  c.tensors_size = weights.size - 8 - (size_t)header_size;
  c.config = text_of(config.data, config.size);
  return c;
}

static double setting(const struct checkpoint* c, const char* key) {
  const char* value = value_of(c->config, key);
  if (value == NULL) die("config.json has no %s", key);
  return strtod(value, NULL);
}

/* A bfloat16 weight where it lies in the mapping. */
static wl_tensor weight(const struct checkpoint* c, const char* name, int rank) {
  char quoted[256];
  const char* at;
  const char* type;
  int64_t shape[2] = {1, 1}, range[2];
  if (snprintf(quoted, sizeof quoted, "\"%s\":{", name) >= (int)sizeof quoted) die("%s is too long", name);
  at = strstr(c->header, quoted);
  if (at == NULL) die("the checkpoint has no %s", name);
  at += strlen(quoted);
  type = value_of(at, "dtype");
  if (type == NULL || strncmp(type, "\"BF16\"", 6) != 0) die("%s is not of type BF16", name);
  if (numbers_of(value_of(at, "shape"), name, shape, 2) != rank) die("%s is not of rank %d", name, rank);
  if (numbers_of(value_of(at, "data_offsets"), name, range, 2) != 2) die("%s has no two offsets", name);
  if (range[0] > range[1] || (uint64_t)range[1] > c->tensors_size) die("%s leaves the file", name);
  if (shape[0] < 1 || shape[1] < 1 || shape[0] > (range[1] - range[0]) / 2 / shape[1] ||
      shape[0] * shape[1] * 2 != range[1] - range[0])
    die("%s has a shape that does not fit its %lld bytes", name, (long long)(range[1] - range[0]));
  return tensor((void*)(c->tensors + range[0]), WL_DTYPE_BFLOAT16, rank, shape); /* read only */
}

static wl_tensor layer_weight(const struct checkpoint* c, int layer, const char* name, int rank) {
  char full[128];
  snprintf(full, sizeof full, "model.layers.%d.%s.weight", layer, name);
  return weight(c, full, rank);
}

/* ---- the model */

struct layer {
  wl_tensor input_norm, q, k, v, o, post_norm, gate, up, down;
  float *k_cache, *v_cache; /* [capacity, kv heads, d] */
};

struct model {
  int64_t layers, hidden, intermediate, heads, kv_heads, d, vocabulary, capacity;
  float epsilon;
  wl_tensor embedding, norm, cos, sin;
  struct layer layer[MAX_LAYERS];
  /* Activations, for up to capacity rows. */
  float *x, *normed, *q, *k, *v, *attended, *gated, *logits;
};

static void make_rope_tables(struct model* m, double theta) {
  wl_rope_table_params p;
  memset(&p, 0, sizeof p);
  p.struct_size = sizeof p;
  p.base = theta;
  p.cos = m->cos = matrix(floats(m->capacity * m->d / 2), m->capacity, m->d / 2);
  p.sin = m->sin = matrix(floats(m->capacity * m->d / 2), m->capacity, m->d / 2);
  check(wl_rope_table(&p, NULL));
}

static void load(struct model* m, const struct checkpoint* c, int64_t capacity) {
  m->capacity = capacity;
  m->layers = (int64_t)setting(c, "num_hidden_layers");
  m->heads = (int64_t)setting(c, "num_attention_heads");
  m->kv_heads = (int64_t)setting(c, "num_key_value_heads");
  m->d = (int64_t)setting(c, "head_dim");
  m->epsilon = (float)setting(c, "rms_norm_eps");
  if (m->layers < 1 || m->layers > MAX_LAYERS) die("num_hidden_layers is not from 1 to %d", MAX_LAYERS);
  if (m->heads < 1 || m->heads > 1024 || m->kv_heads < 1 || m->kv_heads > m->heads || m->d < 2 || m->d > 1024)
    die("config.json has impossible numbers of heads");
  m->embedding = weight(c, "model.embed_tokens.weight", 2);
  m->vocabulary = m->embedding.shape[0];
  m->hidden = m->embedding.shape[1];
  m->norm = weight(c, "model.norm.weight", 1);
  if (strstr(c->header, "\"lm_head.weight\"") != NULL) die("the output is not tied to the embedding");
  for (int i = 0; i < m->layers; ++i) {
    struct layer* l = &m->layer[i];
    l->input_norm = layer_weight(c, i, "input_layernorm", 1);
    l->q = layer_weight(c, i, "self_attn.q_proj", 2);
    l->k = layer_weight(c, i, "self_attn.k_proj", 2);
    l->v = layer_weight(c, i, "self_attn.v_proj", 2);
    l->o = layer_weight(c, i, "self_attn.o_proj", 2);
    l->post_norm = layer_weight(c, i, "post_attention_layernorm", 1);
    l->gate = layer_weight(c, i, "mlp.gate_proj", 2);
    l->up = layer_weight(c, i, "mlp.up_proj", 2);
    l->down = layer_weight(c, i, "mlp.down_proj", 2);
    l->k_cache = floats(capacity * m->kv_heads * m->d);
    l->v_cache = floats(capacity * m->kv_heads * m->d);
  }
  m->intermediate = m->layer[0].gate.shape[0];
  m->x = floats(capacity * m->hidden);
  m->normed = floats(capacity * m->hidden);
  m->q = floats(capacity * m->heads * m->d);
  m->k = floats(capacity * m->kv_heads * m->d);
  m->v = floats(capacity * m->kv_heads * m->d);
  m->attended = floats(capacity * m->heads * m->d);
  m->gated = floats(capacity * m->intermediate);
  m->logits = floats(m->vocabulary);
  make_rope_tables(m, setting(c, "rope_theta"));
}

/* ---- the forward; the library checks every shape */

static void norm(const struct model* m, wl_tensor x, wl_tensor by, wl_tensor y) {
  wl_norm_params p;
  memset(&p, 0, sizeof p);
  p.struct_size = sizeof p;
  p.kind = WL_NORM_RMS;
  p.epsilon = m->epsilon;
  p.x = x;
  p.weight = by;
  p.y = y;
  check(wl_norm(&p, NULL));
}

/* y = x W^T, or y + x W^T where the product is added. */
static void product(wl_tensor x, wl_tensor w, wl_tensor y, int add) {
  wl_gemm_params p;
  memset(&p, 0, sizeof p);
  p.struct_size = sizeof p;
  p.x = x;
  p.weight = w;
  p.y = y;
  if (add) p.residual = y;
  check(wl_gemm(&p, NULL));
}

/* y = silu(x G^T) * (x U^T). */
static void swiglu(wl_tensor x, wl_tensor gate, wl_tensor up, wl_tensor y) {
  wl_gemm_params p;
  memset(&p, 0, sizeof p);
  p.struct_size = sizeof p;
  p.activation = WL_ACTIVATION_SILU;
  p.x = x;
  p.weight = gate;
  p.up_weight = up;
  p.y = y;
  check(wl_gemm(&p, NULL));
}

/* Rotates the queries, appends keys (rotated on the way) and values to the cache, and attends. */
static void attend(const struct model* m, const struct layer* l, int64_t rows, int32_t past,
                   int32_t* positions) {
  wl_rope_params rope;
  wl_kv_append_params append;
  wl_attention_params attention;
  memset(&rope, 0, sizeof rope);
  rope.struct_size = sizeof rope;
  rope.x = rope.y = heads_of(m->q, rows, m->heads, m->d);
  rope.positions = ints(positions, rows);
  rope.cos = m->cos;
  rope.sin = m->sin;
  check(wl_rope(&rope, NULL));

  memset(&append, 0, sizeof append);
  append.struct_size = sizeof append;
  append.k = heads_of(m->k, rows, m->kv_heads, m->d);
  append.v = heads_of(m->v, rows, m->kv_heads, m->d);
  append.k_cache = sequence(l->k_cache, m->capacity, m->kv_heads, m->d);
  append.v_cache = sequence(l->v_cache, m->capacity, m->kv_heads, m->d);
  append.lengths = ints(&past, 1);
  append.cos = m->cos;
  append.sin = m->sin;
  check(wl_kv_append(&append, NULL));

  memset(&attention, 0, sizeof attention);
  attention.struct_size = sizeof attention;
  attention.flags = WL_ATTENTION_CAUSAL;
  attention.q = sequence(m->q, rows, m->heads, m->d);
  attention.k = sequence(l->k_cache, past + rows, m->kv_heads, m->d);
  attention.v = sequence(l->v_cache, past + rows, m->kv_heads, m->d);
  attention.o = sequence(m->attended, rows, m->heads, m->d);
  check(wl_attention(&attention, NULL));
}

/* Feeds `rows` tokens after `past` earlier ones; returns the most probable next token. */
static int32_t forward(const struct model* m, int32_t* tokens, int64_t rows, int32_t past,
                       int32_t* positions) {
  const wl_tensor x = matrix(m->x, rows, m->hidden), normed = matrix(m->normed, rows, m->hidden);
  const wl_tensor last = matrix(m->x + (rows - 1) * m->hidden, 1, m->hidden);
  const wl_tensor logits = matrix(m->logits, 1, m->vocabulary);
  wl_embedding_params embedding;
  wl_argmax_params argmax;
  int32_t next = 0;
  memset(&embedding, 0, sizeof embedding);
  embedding.struct_size = sizeof embedding;
  embedding.table = m->embedding;
  embedding.ids = ints(tokens, rows);
  embedding.y = x;
  check(wl_embedding(&embedding, NULL));
  for (int64_t i = 0; i < rows; ++i) positions[i] = past + (int32_t)i;
  for (int i = 0; i < m->layers; ++i) {
    const struct layer* l = &m->layer[i];
    norm(m, x, l->input_norm, normed);
    product(normed, l->q, matrix(m->q, rows, m->heads * m->d), 0);
    product(normed, l->k, matrix(m->k, rows, m->kv_heads * m->d), 0);
    product(normed, l->v, matrix(m->v, rows, m->kv_heads * m->d), 0);
    attend(m, l, rows, past, positions);
    product(matrix(m->attended, rows, m->heads * m->d), l->o, x, 1);
    norm(m, x, l->post_norm, normed);
    swiglu(normed, l->gate, l->up, matrix(m->gated, rows, m->intermediate));
    product(matrix(m->gated, rows, m->intermediate), l->down, x, 1);
  }
  norm(m, last, m->norm, last);
  product(last, m->embedding, logits, 0);
  memset(&argmax, 0, sizeof argmax);
  argmax.struct_size = sizeof argmax;
  argmax.logits = logits;
  argmax.ids = ints(&next, 1);
  check(wl_argmax(&argmax, NULL));
  return next;
}

int main(int count, char** arguments) {
  static struct model model;
  static int32_t tokens[MAX_PROMPT], positions[MAX_PROMPT];
  const int prompt = count - 2;
  int32_t next;
  if (prompt < 1 || prompt > MAX_PROMPT)
    die("usage: storyteller MODEL_DIR id [id ...], at most %d ids", MAX_PROMPT);
  if (wl_abi_version() != WL_ABI_VERSION)
    die("the library is of another ABI version: %d", (int)wl_abi_version());
  for (int i = 0; i < prompt; ++i) {
    char* end;
    const long long id = strtoll(arguments[i + 2], &end, 10);
    if (*end != '\0' || end == arguments[i + 2] || id < 0 || id > INT32_MAX)
      die("\"%s\" is not an id", arguments[i + 2]);
    tokens[i] = (int32_t)id;
  }
  const struct checkpoint checkpoint = open_checkpoint(arguments[1]);
  load(&model, &checkpoint, prompt + NEW_TOKENS);
  next = forward(&model, tokens, prompt, 0, positions);
  for (int i = 1;; ++i) {
    printf("%d%c", (int)next, i == NEW_TOKENS ? '\n' : ' ');
    if (i == NEW_TOKENS) return 0;
    next = forward(&model, &next, 1, prompt + i - 1, positions);
  }
}
