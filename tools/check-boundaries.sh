#!/bin/sh
# Fails when a third-party header is included outside the folder that owns it.
# Adapters keep the rest of the tree testable without a broker, a database or a GPU.
set -eu
cd "$(dirname "$0")/.."
status=0

# own HEADERS FOLDER: only FOLDER may include a header matching the regex HEADERS.
# Several folders are joined by \|: Vectorscan is also a test's oracle and a benchmark's baseline.
own() {
    hits=$(grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)" \
        --include='*.[ch]' --include='*.cu' --include='*.cuh' \
        common producers workers tools tests 2>/dev/null | grep -v "^\($2\)/" || true)
    if [ -n "$hits" ]; then
        printf '%s\nonly %s/ may include these headers\n\n' "$hits" "$2" >&2
        status=1
    fi
}

own 'jansson\.h'               common/json
own 'libconfig\.h'             common/conf
own 'librdkafka/'              common/kafka
own 'libpq-fe\.h|libpq/'       common/pg
own 'microhttpd\.h|curl/'      common/http
own 'hiredis/'                 common/cache
own 'hs/|hs\.h|utf8proc\.h'    'common/match\|tests/unit\|tests/bench'
own 'openssl/'                 common/digest
own 'yaml\.h'                  common/pack
own 'cuda|cublas|cudnn|nccl'   'common/encode/cuda\|tests/cuda'
own 'dnnl|oneapi/'             'common/encode/cpu\|tests/bench'
own 'CUnit/'                   tests/support
own 'avro\.h|avro/'            tests
exit $status
