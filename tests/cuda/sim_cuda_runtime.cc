/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the CUDA runtime that the encoder uses, with NVIDIA's prototypes. Errors are kept and
 * reported again as there: cudaGetLastError() takes one off, but not that of a broken device.
 */
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim_cuda_internal.h"

using Work = std::function<void()>;

struct CUgraph_st {
    std::vector<Work> work;
};

struct CUgraphExec_st {
    std::vector<Work> work;
};

struct CUstream_st {
    std::deque<Work> waiting;
    size_t done = 0; /* of all that was ever put here */
    std::unique_ptr<CUgraph_st> capture;
};

struct CUevent_st {
    CUstream_st *stream = nullptr;
    size_t after = 0; /* happens when so much of the stream is done */
};

namespace
{

enum Side { DEVICE, HOST };

struct Memory {
    size_t size;
    Side side;
};

struct {
    std::recursive_mutex lock;
    int capability = 90, processors = 3;
    std::map<char *, Memory> memory;
    std::map<CUstream_st *, std::unique_ptr<CUstream_st>> streams; /* of the encoder */
    CUstream_st standard;                                          /* stream NULL */
    cudaError_t sticky = cudaSuccess;
    enum sim_cuda_failure failure = SIM_CUDA_NO_FAILURE;
    size_t failure_after = 0;
    bool failure_done = false, quiet = false;
    long alive = 0;
    size_t faults = 0;
    std::string fault;
} sim;

thread_local cudaError_t last_error;

using Guard = std::lock_guard<std::recursive_mutex>;

cudaError_t answer(cudaError_t status)
{
    if (sim.sticky != cudaSuccess)
        status = sim.sticky;
    if (status != cudaSuccess)
        last_error = status;
    return status;
}

/* What every call begins with: whether it fails at once. */
bool refused(cudaError_t *status)
{
    *status = sim_cuda_fails(SIM_CUDA_FAIL_CALL) ? answer(cudaErrorUnknown) : answer(cudaSuccess);
    return *status != cudaSuccess;
}

CUstream_st *stream_of(cudaStream_t stream)
{
    if (stream == nullptr)
        return &sim.standard;
    if (sim.streams.count(stream) == 0) {
        sim_cuda_fault("a stream that is none");
        return &sim.standard;
    }
    return stream;
}

bool step(CUstream_st *s)
{
    if (s->waiting.empty())
        return false;
    const Work work = std::move(s->waiting.front());
    s->waiting.pop_front();
    s->done++;
    if (sim_cuda_fails(SIM_CUDA_FAIL_KERNEL))
        sim.sticky = cudaErrorIllegalAddress;
    if (!sim_cuda_broken())
        work();
    return true;
}

void drain(CUstream_st *s)
{
    while (step(s)) {
    }
}

/* All streams, a step here and a step there. */
void drain_all()
{
    std::vector<CUstream_st *> all = {&sim.standard};
    for (auto &s : sim.streams)
        all.push_back(s.first);
    while (!all.empty()) {
        const size_t i = sim_cuda_random() % all.size();
        if (!step(all[i])) {
            all[i] = all.back();
            all.pop_back();
        }
    }
}

/* The allocation that holds [p, p + size), or NULL. */
const Memory *memory_of(const void *p, size_t size)
{
    char *at = const_cast<char *>(static_cast<const char *>(p));
    auto next = sim.memory.upper_bound(at);
    if (next == sim.memory.begin())
        return nullptr;
    --next;
    const size_t offset = static_cast<size_t>(at - next->first);
    return offset <= next->second.size && size <= next->second.size - offset ? &next->second
                                                                             : nullptr;
}

cudaError_t allocate(void **out, size_t size, Side side)
{
    if (size == 0) /* CUDA gives NULL; nothing here asks for that */
        sim_cuda_fault("an allocation of nothing");
    if (sim_cuda_fails(SIM_CUDA_FAIL_MEMORY))
        return answer(cudaErrorMemoryAllocation);
    void *memory = nullptr;
    if (posix_memalign(&memory, 256, size) != 0) /* 256 as CUDA promises */
        return answer(cudaErrorMemoryAllocation);
    /* NaN, and ids and sizes that do harm; large ones at their ends, as most of them is room. */
    constexpr size_t end = 2 << 20;
    std::memset(memory, 0xff, size < end ? size : end);
    if (size > end)
        std::memset(static_cast<char *>(memory) + size - end, 0xff, end);
    sim.memory[static_cast<char *>(memory)] = {size, side};
    sim_cuda_count(1);
    *out = memory;
    return cudaSuccess;
}

cudaError_t release(void *p, Side side)
{
    if (p == nullptr)
        return answer(cudaSuccess);
    drain_all(); /* as CUDA waits for the device */
    const auto found = sim.memory.find(static_cast<char *>(p));
    if (found == sim.memory.end() || found->second.side != side) {
        sim_cuda_fault("memory is freed that is not there, or of the other side");
        return answer(cudaErrorInvalidValue);
    }
    sim.memory.erase(found);
    free(p);
    sim_cuda_count(-1);
    return answer(cudaSuccess);
}

/* Both ends of a copy; `pinned`: host memory must be, or the copy would not be asynchronous. */
void copy(void *to, const void *from, size_t size, cudaMemcpyKind kind, bool pinned)
{
    const bool up = kind == cudaMemcpyHostToDevice;
    const void *device = up ? to : from, *host = up ? from : to;
    const Memory *d = memory_of(device, size), *h = memory_of(host, size);
    const Memory *inside = memory_of(host, 0);
    if (kind != cudaMemcpyHostToDevice && kind != cudaMemcpyDeviceToHost)
        sim_cuda_fault("a copy of kind %d", static_cast<int>(kind));
    else if (!d || d->side != DEVICE)
        sim_cuda_fault("a copy of %zu bytes %s what is not the device's", size, up ? "to" : "from");
    else if ((inside && inside->side == DEVICE) || (pinned && !h))
        sim_cuda_fault("a copy of %zu bytes %s what is not (all) the host's%s", size,
                       up ? "from" : "to", pinned ? ", or not pinned" : "");
    else
        std::memcpy(to, from, size);
}

} // namespace

/* ---- for the emulation ---- */

std::recursive_mutex &sim_cuda_lock()
{
    return sim.lock;
}

bool sim_cuda_fails(enum sim_cuda_failure what)
{
    if (what != sim.failure || sim.failure_done || sim.failure_after-- > 0)
        return false;
    sim.failure_done = true;
    return true;
}

void sim_cuda_count(long change)
{
    sim.alive += change;
}

bool sim_cuda_broken()
{
    return sim.sticky != cudaSuccess;
}

void sim_cuda_fault_list(const char *fmt, va_list args)
{
    char text[512];
    (void)vsnprintf(text, sizeof(text), fmt, args);
    sim.fault = text;
    sim.faults++;
    sim.sticky = cudaErrorLaunchFailure;
    if (!sim.quiet)
        (void)fprintf(stderr, "sim_cuda: %s\n", text);
}

void sim_cuda_fault(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sim_cuda_fault_list(fmt, args);
    va_end(args);
}

bool sim_cuda_on_device(const void *p, size_t size)
{
    const Memory *m = memory_of(p, size);
    return m && m->side == DEVICE;
}

void sim_cuda_check_pointer(const void *p, const char *kernel)
{
    if (p && !sim_cuda_on_device(p, 1))
        sim_cuda_fault("%s: a kernel gets %p, which is not the device's", kernel, p);
}

cudaError_t sim_cuda_enqueue(cudaStream_t stream, Work work)
{
    CUstream_st *s = stream_of(stream);
    if (s->capture) {
        s->capture->work.push_back(std::move(work));
        return cudaSuccess;
    }
    s->waiting.push_back(std::move(work));
    if (sim_cuda_random() % 4 == 0)
        drain(s);
    return cudaSuccess;
}

void sim_cuda_put(cudaStream_t stream, size_t shared, const sim_cuda_work &work)
{
    const Guard guard(sim.lock);
    const dim3 b = work.blocks, t = work.threads;
    const size_t threads = static_cast<size_t>(t.x) * t.y * t.z;
    cudaError_t status;
    if (refused(&status))
        return;
    if (threads == 0 || threads > 1024 || t.z > 64 || threads % 32 != 0 || b.x == 0 || b.y == 0 ||
        b.z == 0 || b.x > 0x7fffffffu || b.y > 65535 || b.z > 65535 || shared != 0) {
        (void)answer(cudaErrorInvalidConfiguration);
        return;
    }
    (void)sim_cuda_enqueue(stream, [work] {
        work.check();
        if (!sim_cuda_broken())
            (void)sim_cuda_run_grid(work);
    });
}

/* ---- for tests ---- */

void sim_cuda_reset(uint64_t seed)
{
    const Guard guard(sim.lock);
    sim_cuda_seed_blocks(seed);
    sim_cuda_reset_library();
    sim.sticky = last_error = cudaSuccess;
    sim.failure = SIM_CUDA_NO_FAILURE;
    sim.failure_done = sim.quiet = false;
    sim.faults = 0;
    sim.fault.clear();
    sim_cuda_machine(90, 3);
}

void sim_cuda_machine(int capability, int processors)
{
    sim.capability = capability;
    sim.processors = processors;
}

void sim_cuda_fail(enum sim_cuda_failure what, size_t n)
{
    sim.failure = what;
    sim.failure_after = n;
    sim.failure_done = false;
}

bool sim_cuda_failed(void)
{
    return sim.failure_done;
}

size_t sim_cuda_alive(void)
{
    return static_cast<size_t>(sim.alive);
}

size_t sim_cuda_faults(void)
{
    return sim.faults;
}

const char *sim_cuda_last_fault(void)
{
    return sim.fault.c_str();
}

void sim_cuda_quiet(bool quiet)
{
    sim.quiet = quiet;
}

/* ---- the runtime ---- */

/* Begins a call: takes the lock, and leaves where the device is broken or a failure is due. */
#define ENTER()                  \
    const Guard guard(sim.lock); \
    cudaError_t status;          \
    if (refused(&status))        \
    return status

cudaError_t CUDARTAPI cudaGetLastError(void)
{
    const Guard guard(sim.lock);
    const cudaError_t status = last_error;
    last_error = sim.sticky;
    return status;
}

const char *CUDARTAPI cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaSuccess:
        return "no error";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorNoDevice:
        return "no CUDA-capable device is detected";
    case cudaErrorIllegalAddress:
        return "an illegal memory access was encountered";
    default:
        return "an emulated error";
    }
}

cudaError_t CUDARTAPI cudaGetDeviceCount(int *count)
{
    ENTER();
    *count = sim.capability ? 1 : 0;
    return answer(sim.capability ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t CUDARTAPI cudaGetDevice(int *device)
{
    ENTER();
    *device = 0;
    return status;
}

cudaError_t CUDARTAPI cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr name, int device)
{
    ENTER();
    if (device != 0 || sim.capability == 0)
        return answer(cudaErrorInvalidDevice);
    switch (name) {
    case cudaDevAttrComputeCapabilityMajor:
        *value = sim.capability / 10;
        return status;
    case cudaDevAttrComputeCapabilityMinor:
        *value = sim.capability % 10;
        return status;
    case cudaDevAttrMultiProcessorCount:
        *value = sim.processors;
        return status;
    default:
        return answer(cudaErrorInvalidValue);
    }
}

cudaError_t CUDARTAPI cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *kernel,
                                                                    int threads, size_t shared)
{
    ENTER();
    *blocks = 2;
    return answer(kernel && threads > 0 && shared == 0 ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t CUDARTAPI cudaMalloc(void **out, size_t size)
{
    ENTER();
    return allocate(out, size, DEVICE);
}

cudaError_t CUDARTAPI cudaHostAlloc(void **out, size_t size, unsigned)
{
    ENTER();
    return allocate(out, size, HOST);
}

/* These two work on a broken device, too: what was emulated must not leak. */
cudaError_t CUDARTAPI cudaFree(void *p)
{
    const Guard guard(sim.lock);
    return release(p, DEVICE);
}

cudaError_t CUDARTAPI cudaFreeHost(void *p)
{
    const Guard guard(sim.lock);
    return release(p, HOST);
}

cudaError_t CUDARTAPI cudaMemset(void *to, int value, size_t size)
{
    ENTER();
    return sim_cuda_enqueue(nullptr, [=] {
        if (sim_cuda_on_device(to, size))
            std::memset(to, value, size);
        else
            sim_cuda_fault("what is not the device's is filled");
    });
}

cudaError_t CUDARTAPI cudaMemcpy(void *to, const void *from, size_t size, enum cudaMemcpyKind kind)
{
    ENTER();
    drain(&sim.standard);
    if (!sim_cuda_broken())
        copy(to, from, size, kind, false);
    return answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaMemcpyAsync(void *to, const void *from, size_t size,
                                      enum cudaMemcpyKind kind, cudaStream_t stream)
{
    ENTER();
    return sim_cuda_enqueue(stream, [=] { copy(to, from, size, kind, true); });
}

cudaError_t CUDARTAPI cudaDeviceSynchronize(void)
{
    ENTER();
    drain_all();
    return answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaDeviceGetStreamPriorityRange(int *lowest, int *highest)
{
    ENTER();
    *lowest = 0;
    *highest = -5;
    return status;
}

cudaError_t CUDARTAPI cudaStreamCreateWithPriority(cudaStream_t *out, unsigned flags, int priority)
{
    ENTER();
    if (flags != cudaStreamNonBlocking || priority > 0 || priority < -5)
        sim_cuda_fault("a stream with flags %u and priority %d", flags, priority);
    auto stream = std::make_unique<CUstream_st>();
    *out = stream.get();
    sim.streams[stream.get()] = std::move(stream);
    sim_cuda_count(1);
    return answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaStreamDestroy(cudaStream_t stream)
{
    const Guard guard(sim.lock);
    CUstream_st *s = stream_of(stream);
    drain(s);
    if (s->capture)
        sim_cuda_fault("a stream is destroyed while it is captured");
    sim.streams.erase(s);
    sim_cuda_count(-1);
    return answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaStreamSynchronize(cudaStream_t stream)
{
    ENTER();
    CUstream_st *s = stream_of(stream);
    if (s->capture)
        return answer(cudaErrorStreamCaptureUnsupported);
    drain(s);
    return answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaEventCreateWithFlags(cudaEvent_t *out, unsigned)
{
    ENTER();
    *out = new CUevent_st;
    sim_cuda_count(1);
    return status;
}

cudaError_t CUDARTAPI cudaEventDestroy(cudaEvent_t event)
{
    const Guard guard(sim.lock);
    delete event;
    sim_cuda_count(-1);
    return answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    ENTER();
    event->stream = stream_of(stream);
    event->after = event->stream->done + event->stream->waiting.size();
    return status;
}

cudaError_t CUDARTAPI cudaEventSynchronize(cudaEvent_t event)
{
    ENTER();
    while (event->stream && event->stream->done < event->after)
        (void)step(event->stream);
    return answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode)
{
    ENTER();
    CUstream_st *s = stream_of(stream);
    if (s == &sim.standard || s->capture)
        return answer(cudaErrorStreamCaptureUnsupported);
    s->capture = std::make_unique<CUgraph_st>();
    return status;
}

/* Ends the capture on a broken device, too. */
cudaError_t CUDARTAPI cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out)
{
    const Guard guard(sim.lock);
    CUstream_st *s = stream_of(stream);
    *out = nullptr;
    if (!s->capture)
        return answer(cudaErrorIllegalState);
    std::unique_ptr<CUgraph_st> graph = std::move(s->capture);
    cudaError_t status;
    if (refused(&status))
        return status;
    *out = graph.release();
    sim_cuda_count(1);
    return status;
}

cudaError_t CUDARTAPI cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph,
                                           unsigned long long)
{
    ENTER();
    *out = new CUgraphExec_st{graph->work};
    sim_cuda_count(1);
    return status;
}

cudaError_t CUDARTAPI cudaGraphUpload(cudaGraphExec_t, cudaStream_t stream)
{
    ENTER();
    (void)stream_of(stream);
    return status;
}

cudaError_t CUDARTAPI cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream)
{
    ENTER();
    for (const Work &work : graph->work)
        (void)sim_cuda_enqueue(stream, work);
    return answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaGraphDestroy(cudaGraph_t graph)
{
    const Guard guard(sim.lock);
    delete graph;
    sim_cuda_count(-1);
    return answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaGraphExecDestroy(cudaGraphExec_t graph)
{
    const Guard guard(sim.lock);
    delete graph;
    sim_cuda_count(-1);
    return answer(cudaSuccess);
}
