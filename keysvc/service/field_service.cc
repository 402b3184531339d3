#include "keysvc/service/field_service.h"

#include <algorithm>

#include "keysvc/service/field_column.h"

namespace coffer::keysvc {
namespace {

constexpr std::size_t kQuickItems = 64;
constexpr std::size_t kQuickBytes = 64 * 1024;
constexpr std::int64_t kMicrosPerSecond = 1'000'000;

enum class FieldWork : std::uint8_t { kEncrypt, kDecrypt, kRewrap };

// A bad request does nothing: not even a tenant's first data key is made for it.
Status CheckBeforeFirstKey(std::vector<ColumnWork>& works) {
  const bool makes_key =
      std::any_of(works.begin(), works.end(), [](const ColumnWork& work) { return work.NeedsDataKey(); });
  if (!makes_key) return {};
  for (ColumnWork& work : works) COFFER_TRY(work.CheckEncryptable());
  return {};
}

// Checks limits, makes a ColumnWork of each column and runs `act` on it; fills the record with names and counts.
template <typename Act>
Result<FieldOutput> ForEachColumn(Unsealed& unsealed, CallRecord& record, const std::vector<FieldColumn>& columns,
                                  FieldWork field_work, std::int64_t now_us, const Act& act) {
  COFFER_TRY(CheckFieldLimits(columns, field_work != FieldWork::kEncrypt));
  const std::shared_ptr<const policy::CatalogView> view = unsealed.catalogs->view();
  std::vector<ColumnWork> works;
  works.reserve(columns.size());
  record.object.clear();
  record.items = 0;
  record.failed = 0;
  // All columns are resolved before the first value is touched: a bad request does nothing.
  for (std::size_t index = 0; index < columns.size(); ++index) {
    COFFER_ASSIGN_OR_RETURN(ColumnWork work,
                            ColumnWork::Create(unsealed, *view, columns[index], index, now_us / kMicrosPerSecond));
    if (index > 0) record.object += ',';
    record.object += work.rule().name;
    record.items += columns[index].values.size();
    works.push_back(std::move(work));
  }
  record.tenant = columns.front().tenant.empty() ? kDefaultTenant : columns.front().tenant;
  if (field_work != FieldWork::kDecrypt) COFFER_TRY(CheckBeforeFirstKey(works));
  FieldOutput output;
  output.columns.reserve(works.size());
  for (ColumnWork& work : works) {
    COFFER_ASSIGN_OR_RETURN(ColumnOutput column, act(work, output));
    record.failed += column.failures.size();
    output.columns.push_back(std::move(column));
  }
  return output;
}

}  // namespace

Result<FieldOutput> FieldService::Encrypt(const Caller& caller, const std::vector<FieldColumn>& columns) const {
  return pipeline_.Read(caller, policy::Operation::kEncryptFields, [&](Unsealed& unsealed, CallRecord& record) {
    return ForEachColumn(unsealed, record, columns, FieldWork::kEncrypt, clock_.UnixMicros(),
                         [](ColumnWork& work, FieldOutput&) { return work.Encrypt(); });
  });
}

Result<FieldOutput> FieldService::Decrypt(const Caller& caller, const std::vector<FieldColumn>& columns) const {
  return pipeline_.Read(caller, policy::Operation::kDecryptFields, [&](Unsealed& unsealed, CallRecord& record) {
    return ForEachColumn(unsealed, record, columns, FieldWork::kDecrypt, clock_.UnixMicros(),
                         [](ColumnWork& work, FieldOutput&) { return work.Decrypt(); });
  });
}

Result<FieldOutput> FieldService::Rewrap(const Caller& caller, const std::vector<FieldColumn>& columns) const {
  return pipeline_.Read(caller, policy::Operation::kRewrapFields, [&](Unsealed& unsealed, CallRecord& record) {
    return ForEachColumn(unsealed, record, columns, FieldWork::kRewrap, clock_.UnixMicros(),
                         [](ColumnWork& work, FieldOutput& output) { return work.Rewrap(output.rewrapped); });
  });
}

bool FieldService::IsQuick(const std::vector<FieldColumn>& columns, bool makes_keys) const {
  std::size_t items = 0;
  std::size_t bytes = 0;
  for (const FieldColumn& column : columns) {
    items += column.values.size();
    for (const ByteView value : column.values) bytes += value.size();
    if (items > kQuickItems || bytes > kQuickBytes) return false;
  }
  if (!makes_keys) return true;
  const Result<std::shared_ptr<Unsealed>> unsealed = barrier_.Enter();
  if (!unsealed.ok()) return true;  // Refused at once.
  const std::shared_ptr<const policy::CatalogView> view = (*unsealed)->catalogs->view();
  for (const FieldColumn& column : columns) {
    const policy::FieldRule* rule = view->Find(column.field);
    if (rule == nullptr) return true;
    const Result<TenantUuid> tenant = (*unsealed)->keys->ResolveTenant(column.tenant);
    if (tenant.ok() && !(*unsealed)->keys->HasDataKey(rule->keyrings.front(), *tenant)) return false;
  }
  return true;
}

}  // namespace coffer::keysvc
