#include "bench/load.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include <grpcpp/grpcpp.h>

namespace coffer::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Shared by the calls of one run.
struct Run {
  SteadyClock::time_point measure_from;
  SteadyClock::time_point end;
  std::mutex mutex;
  std::condition_variable done;
  int running = 0;
};

// One call at a time, again and again until the run ends.
class Slot {
 public:
  Slot(std::unique_ptr<v1::FieldService::Stub> stub, const v1::EncryptFieldsRequest& request, Run& run)
      : stub_(std::move(stub)), request_(request), run_(run) {}

  void Start() {
    context_ = std::make_unique<grpc::ClientContext>();
    response_.Clear();
    started_ = SteadyClock::now();
    stub_->async()->EncryptFields(context_.get(), &request_, &response_,
                                  [this](const grpc::Status& status) { Finished(status); });
  }

  std::vector<float> latencies_us;
  std::uint64_t failed = 0;

 private:
  void Finished(const grpc::Status& status) {
    const SteadyClock::time_point now = SteadyClock::now();
    if (started_ >= run_.measure_from && now <= run_.end) {
      const bool complete = status.ok() && response_.columns(0).values_size() == request_.columns(0).values_size();
      if (!complete) ++failed;
      latencies_us.push_back(std::chrono::duration<float, std::micro>(now - started_).count());
    }
    if (now < run_.end) {
      Start();
      return;
    }
    const std::lock_guard lock(run_.mutex);
    if (--run_.running == 0) run_.done.notify_one();
  }

  std::unique_ptr<v1::FieldService::Stub> stub_;
  const v1::EncryptFieldsRequest& request_;
  Run& run_;
  std::unique_ptr<grpc::ClientContext> context_;
  v1::EncryptFieldsResponse response_;
  SteadyClock::time_point started_;
};

double Percentile(std::vector<float>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

}  // namespace

v1::EncryptFieldsRequest MakeRequest(int batch) {
  v1::EncryptFieldsRequest request;
  v1::Column* column = request.add_columns();
  column->set_field("bench.user.email");
  for (int i = 0; i < batch; ++i) {
    column->add_values(std::string(64, static_cast<char>('a' + i % 26)));
    column->add_rows()->add_parts()->set_int64(i + 1);
  }
  return request;
}

std::shared_ptr<grpc::Channel> UnixChannel(const std::string& socket) {
  static std::atomic<int> next{0};
  grpc::ChannelArguments arguments;
  arguments.SetInt("coffer.bench.channel", next.fetch_add(1));  // gRPC shares connections of equal channels
  return grpc::CreateCustomChannel("unix:" + socket, grpc::experimental::LocalCredentials(UDS), arguments);
}

LoadResult RunLoad(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const LoadShape& shape) {
  const v1::EncryptFieldsRequest request = MakeRequest(shape.batch);
  Run run;
  run.running = shape.in_flight;
  std::vector<std::unique_ptr<Slot>> slots;
  for (int i = 0; i < shape.in_flight; ++i) {
    auto stub = v1::FieldService::NewStub(channels[static_cast<std::size_t>(i) % channels.size()]);
    slots.push_back(std::make_unique<Slot>(std::move(stub), request, run));
  }
  run.measure_from = SteadyClock::now() + shape.warm_up;
  run.end = run.measure_from + shape.duration;
  for (const auto& slot : slots) slot->Start();
  {
    std::unique_lock lock(run.mutex);
    run.done.wait(lock, [&] { return run.running == 0; });
  }
  LoadResult result;
  std::vector<float> latencies;
  for (const auto& slot : slots) {
    latencies.insert(latencies.end(), slot->latencies_us.begin(), slot->latencies_us.end());
    result.failed += slot->failed;
  }
  std::sort(latencies.begin(), latencies.end());
  result.calls = latencies.size();
  result.calls_per_second = static_cast<double>(result.calls) / std::chrono::duration<double>(shape.duration).count();
  result.values_per_second = result.calls_per_second * shape.batch;
  result.p50_us = Percentile(latencies, 0.50);
  result.p99_us = Percentile(latencies, 0.99);
  return result;
}

}  // namespace coffer::bench
