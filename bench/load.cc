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

struct EncryptCall {
  using Request = v1::EncryptFieldsRequest;
  using Response = v1::EncryptFieldsResponse;
  static constexpr auto kSend = [](auto* stub, auto... arguments) { stub->EncryptFields(std::move(arguments)...); };
};

struct DecryptCall {
  using Request = v1::DecryptFieldsRequest;
  using Response = v1::DecryptFieldsResponse;
  static constexpr auto kSend = [](auto* stub, auto... arguments) { stub->DecryptFields(std::move(arguments)...); };
};

struct RewrapCall {
  using Request = v1::RewrapFieldsRequest;
  using Response = v1::RewrapFieldsResponse;
  static constexpr auto kSend = [](auto* stub, auto... arguments) { stub->RewrapFields(std::move(arguments)...); };
};

struct SearchCall {
  using Request = v1::IndexTokensRequest;
  using Response = v1::IndexTokensResponse;
  static constexpr auto kSend = [](auto* stub, auto... arguments) { stub->IndexTokens(std::move(arguments)...); };
};

template <typename Request>
int ValuesOf(const Request& request) {
  return request.columns(0).values_size();
}
int ValuesOf(const v1::IndexTokensRequest& request) { return request.queries_size(); }

template <typename Response>
bool Complete(const Response& response, int values) {
  if (response.columns_size() != 1 || response.columns(0).errors_size() != 0) return false;
  return response.columns(0).values_size() == values;
}
bool Complete(const v1::IndexTokensResponse& response, int values) {
  return response.answers_size() == values && response.answers(0).versions_size() == 1;
}

// One call at a time, again and again until the run ends.
template <typename Call>
class Slot {
 public:
  Slot(const std::shared_ptr<grpc::Channel>& channel, const typename Call::Request& request, Run& run)
      : stub_(v1::FieldService::NewStub(channel)), request_(request), run_(run) {}

  void Start() {
    context_ = std::make_unique<grpc::ClientContext>();
    response_.Clear();
    started_ = SteadyClock::now();
    Call::kSend(stub_->async(), context_.get(), &request_, &response_,
                [this](const grpc::Status& status) { Finished(status); });
  }

  std::vector<float> latencies_us;
  std::uint64_t failed = 0;

 private:
  void Finished(const grpc::Status& status) {
    const SteadyClock::time_point now = SteadyClock::now();
    if (started_ >= run_.measure_from && now <= run_.end) {
      if (!status.ok() || !Complete(response_, ValuesOf(request_))) ++failed;
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
  const typename Call::Request& request_;
  Run& run_;
  std::unique_ptr<grpc::ClientContext> context_;
  typename Call::Response response_;
  SteadyClock::time_point started_;
};

double Percentile(std::vector<float>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

template <typename Call>
LoadResult RunAs(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const LoadShape& shape,
                 const typename Call::Request& request) {
  Run run;
  run.running = shape.in_flight;
  std::vector<std::unique_ptr<Slot<Call>>> slots;
  for (int i = 0; i < shape.in_flight; ++i) {
    slots.push_back(
        std::make_unique<Slot<Call>>(channels[static_cast<std::size_t>(i) % channels.size()], request, run));
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
  result.values_per_second = result.calls_per_second * ValuesOf(request);
  result.p50_us = Percentile(latencies, 0.50);
  result.p99_us = Percentile(latencies, 0.99);
  return result;
}

template <typename Call>
LoadResult RunColumn(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const LoadShape& shape,
                     const v1::Column& column) {
  typename Call::Request request;
  *request.add_columns() = column;
  return RunAs<Call>(channels, shape, request);
}

}  // namespace

v1::Column MakeColumn(int batch, const std::string& field) {
  v1::Column column;
  column.set_field(field);
  for (int i = 0; i < batch; ++i) {
    column.add_values(std::string(64, static_cast<char>('a' + i % 26)));
    column.add_rows()->add_parts()->set_int64(i + 1);
  }
  return column;
}

v1::Column WithNumbers(v1::Column column) {
  for (int i = 0; i < column.values_size(); ++i) column.set_values(i, std::to_string(i * 7919 % 65536));
  return column;
}

std::shared_ptr<grpc::Channel> UnixChannel(const std::string& socket) {
  static std::atomic<int> next{0};
  grpc::ChannelArguments arguments;
  arguments.SetInt("coffer.bench.channel", next.fetch_add(1));  // gRPC shares connections of equal channels
  return grpc::CreateCustomChannel("unix:" + socket, grpc::experimental::LocalCredentials(UDS), arguments);
}

LoadResult RunLoad(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const LoadShape& shape,
                   const v1::Column& column) {
  switch (shape.operation) {
    case Operation::kDecrypt:
      return RunColumn<DecryptCall>(channels, shape, column);
    case Operation::kRewrap:
      return RunColumn<RewrapCall>(channels, shape, column);
    case Operation::kEncrypt:
      break;
  }
  return RunColumn<EncryptCall>(channels, shape, column);
}

LoadResult RunSearches(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const LoadShape& shape,
                       const v1::IndexTokensRequest& request) {
  return RunAs<SearchCall>(channels, shape, request);
}

}  // namespace coffer::bench
