#include "bench/load.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include <grpcpp/grpcpp.h>

namespace coffer::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

template <typename Call>
class Slot;

// Shared by the calls of one run.
template <typename Call>
struct Run {
  SteadyClock::time_point measure_from;
  SteadyClock::time_point end;
  bool paced = false;
  std::mutex mutex;
  std::condition_variable rested;
  std::vector<Slot<Call>*> resting;  // without a call
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

// One call at a time; unless calls are paced, again and again until the run ends.
template <typename Call>
class Slot {
 public:
  Slot(const std::shared_ptr<grpc::Channel>& channel, const typename Call::Request& request, Run<Call>& run)
      : stub_(v1::FieldService::NewStub(channel)), request_(request), run_(run) {}

  // `due`: when the call counts as started.
  void Start(SteadyClock::time_point due) {
    context_ = std::make_unique<grpc::ClientContext>();
    response_.Clear();
    due_ = due;
    Call::kSend(stub_->async(), context_.get(), &request_, &response_,
                [this](const grpc::Status& status) { Finished(status); });
  }

  std::vector<float> latencies_us;
  std::uint64_t failed = 0;
  std::uint64_t refused = 0;

 private:
  void Finished(const grpc::Status& status) {
    const SteadyClock::time_point now = SteadyClock::now();
    if (due_ >= run_.measure_from && (run_.paced || now <= run_.end)) {
      if (!status.ok() || !Complete(response_, ValuesOf(request_))) ++failed;
      if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) ++refused;
      latencies_us.push_back(std::chrono::duration<float, std::micro>(now - due_).count());
    }
    if (!run_.paced && now < run_.end) return Start(SteadyClock::now());
    const std::lock_guard lock(run_.mutex);
    run_.resting.push_back(this);
    run_.rested.notify_one();
  }

  std::unique_ptr<v1::FieldService::Stub> stub_;
  const typename Call::Request& request_;
  Run<Call>& run_;
  std::unique_ptr<grpc::ClientContext> context_;
  typename Call::Response response_;
  SteadyClock::time_point due_;
};

// A call is due at even intervals until the run ends. One that finds every slot busy starts late.
template <typename Call>
void Pace(Run<Call>& run, SteadyClock::time_point start, double calls_per_second) {
  std::condition_variable time;  // nobody notifies it
  std::unique_lock lock(run.mutex);
  for (std::uint64_t call = 0;; ++call) {
    const std::chrono::duration<double> after(static_cast<double>(call) / calls_per_second);
    const SteadyClock::time_point due = start + std::chrono::duration_cast<SteadyClock::duration>(after);
    if (due >= run.end) return;
    time.wait_until(lock, due, [due] { return SteadyClock::now() >= due; });
    run.rested.wait(lock, [&] { return !run.resting.empty(); });
    if (SteadyClock::now() >= run.end) return;
    Slot<Call>* slot = run.resting.back();
    run.resting.pop_back();
    lock.unlock();
    slot->Start(due);
    lock.lock();
  }
}

template <typename Call>
LoadResult RunAs(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const LoadShape& shape,
                 const typename Call::Request& request) {
  Run<Call> run;
  std::vector<std::unique_ptr<Slot<Call>>> slots;
  for (int i = 0; i < shape.in_flight; ++i) {
    slots.push_back(
        std::make_unique<Slot<Call>>(channels[static_cast<std::size_t>(i) % channels.size()], request, run));
  }
  const SteadyClock::time_point start = SteadyClock::now();
  run.measure_from = start + shape.warm_up;
  run.end = run.measure_from + shape.duration;
  run.paced = shape.calls_per_second > 0;
  if (run.paced) {
    for (const auto& slot : slots) run.resting.push_back(slot.get());
    Pace(run, start, shape.calls_per_second);
  } else {
    for (const auto& slot : slots) slot->Start(SteadyClock::now());
  }
  {
    std::unique_lock lock(run.mutex);
    run.rested.wait(lock, [&] { return run.resting.size() == slots.size(); });
  }
  LoadResult result;
  for (const auto& slot : slots) {
    result.latencies_us.insert(result.latencies_us.end(), slot->latencies_us.begin(), slot->latencies_us.end());
    result.failed += slot->failed;
    result.refused += slot->refused;
  }
  std::sort(result.latencies_us.begin(), result.latencies_us.end());
  result.calls = result.latencies_us.size();
  result.calls_per_second = static_cast<double>(result.calls) / std::chrono::duration<double>(shape.duration).count();
  result.values_per_second = result.calls_per_second * ValuesOf(request);
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

double LoadResult::PercentileUs(double share) const {
  if (latencies_us.empty()) return 0;
  const auto place = static_cast<std::size_t>(share * static_cast<double>(latencies_us.size()));
  return latencies_us[std::min(latencies_us.size() - 1, place)];
}

LoadResult Together(const LoadResult& a, const LoadResult& b) {
  LoadResult both{.calls = a.calls + b.calls,
                  .failed = a.failed + b.failed,
                  .refused = a.refused + b.refused,
                  .calls_per_second = a.calls_per_second + b.calls_per_second,
                  .values_per_second = a.values_per_second + b.values_per_second,
                  .latencies_us = {}};
  std::merge(a.latencies_us.begin(), a.latencies_us.end(), b.latencies_us.begin(), b.latencies_us.end(),
             std::back_inserter(both.latencies_us));
  return both;
}

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
