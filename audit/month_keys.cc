#include "audit/month_keys.h"

#include <algorithm>

#include "crypto/random.h"
#include "io/directory.h"
#include "io/file.h"

namespace coffer::audit {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kMaxKnown = 64;
constexpr char kErased[] = ".erased";
constexpr std::size_t kMaxNames = 100'000;
constexpr Month kMaxMonth = 1'000'000;  // of year 9999, and a digit

}  // namespace

Result<std::unique_ptr<MonthKeys>> MonthKeys::Open(std::string folder) {
  COFFER_TRY(MakeDirectory(folder, 0700));
  return std::make_unique<MonthKeys>(std::move(folder));
}

std::string MonthKeys::PathOf(Month month) const {
  const std::string number = std::to_string(month % 100);
  return folder_ + "/" + std::to_string(month / 100) + (number.size() < 2 ? "-0" : "-") + number;
}

Result<bool> MonthKeys::IsErased(Month month) const { return Exists(PathOf(month) + kErased); }

Result<std::shared_ptr<const AuditKey>> MonthKeys::Load(Month month, bool make) {
  const auto known = std::find_if(known_.begin(), known_.end(), [month](const Known& k) { return k.month == month; });
  if (known != known_.end()) return known->key;
  const std::string path = PathOf(month);
  std::shared_ptr<const AuditKey> key;
  COFFER_ASSIGN_OR_RETURN(const bool erased, Exists(path + kErased));
  if (!erased) {
    Result<SecretBytes> bytes = ReadSecretFile(path, kKeyBytes);
    if (!bytes.ok() && bytes.error().code() == ErrorCode::kNotFound) {
      if (!make) return std::shared_ptr<const AuditKey>();
      bytes = RandomSecret(kKeyBytes);
      COFFER_TRY(CreateFileDurably(path, *bytes, 0600));
    }
    if (!bytes.ok()) return std::move(bytes).error();
    Result<AuditKey> made = AuditKey::Create(*bytes);
    if (!made.ok()) return Error(ErrorCode::kIntegrity, "is not a month's key of an audit log").At(path);
    key = std::make_shared<const AuditKey>(std::move(made).value());
  }
  if (known_.size() == kMaxKnown) known_.pop_back();
  known_.insert(known_.begin(), Known{.month = month, .key = key});
  return key;
}

Result<std::shared_ptr<const AuditKey>> MonthKeys::For(Month month) {
  {
    const ReadLock held(mutex_);
    if (!known_.empty() && known_.front().month == month) return known_.front().key;
  }
  const Lock held(mutex_);
  return Load(month, true);
}

Result<std::shared_ptr<const AuditKey>> MonthKeys::Find(Month month) {
  const Lock held(mutex_);
  return Load(month, false);
}

Result<std::vector<Month>> MonthKeys::All() {
  const Lock held(mutex_);
  COFFER_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder_, kMaxNames));
  std::vector<Month> months;
  for (const std::string& name : names) {
    // Whatever is no month's key is passed over.
    Month month = 0;
    for (const char c : name) {
      if (c >= '0' && c <= '9' && month < kMaxMonth) month = month * 10 + static_cast<Month>(c - '0');
    }
    const bool named = month % 100 >= 1 && month % 100 <= 12;
    if (named && PathOf(month) == folder_ + "/" + name) months.push_back(month);
  }
  return months;
}

Status MonthKeys::Erase(Month month) {
  const Lock held(mutex_);
  const std::string path = PathOf(month);
  COFFER_TRY(WriteFileDurably(path + kErased, ByteView(), 0600));
  const Status removed = RemoveFileDurably(path);
  if (!removed.ok() && removed.error().code() != ErrorCode::kNotFound) return removed;
  std::erase_if(known_, [month](const Known& known) { return known.month == month; });
  return {};
}

}  // namespace coffer::audit
