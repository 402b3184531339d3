#include "io/ticker.h"

#include <sys/resource.h>
#include <system_error>
#include <unistd.h>

namespace coffer {
namespace {

constexpr int kNiceness = 19;

}  // namespace

Result<std::unique_ptr<Ticker>> Ticker::Start(Options options, std::function<bool()> pass) {
  std::unique_ptr<Ticker> ticker(new Ticker(options, std::move(pass)));
  try {
    ticker->thread_ = std::thread([raw = ticker.get()] { raw->Run(); });
  } catch (const std::system_error&) {
    return Error(ErrorCode::kUnavailable, "the system gives no thread");
  }
  return ticker;
}

Ticker::~Ticker() {
  if (!thread_.joinable()) return;
  {
    const Lock held(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Ticker::Run() {
  // Not being allowed to changes nothing but who goes first.
  if (options_.polite) static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness));
  bool more = options_.wait_first ? false : pass_();
  while (Wait(more)) more = pass_();
}

bool Ticker::Wait(bool more) {
  const Lock held(mutex_);
  if (!stopping_ && !more) changed_.wait_for(mutex_, options_.interval);
  return !stopping_;
}

}  // namespace coffer
