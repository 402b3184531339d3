// Catalog files: what parses can be applied to nothing, gives a lock that reads back, and applied again changes
// nothing.
#include <cstdint>

#include "policy/catalog_plan.h"
#include "policy/catalog_view.h"
#include "policy/index_sentences.h"

namespace policy = coffer::policy;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  coffer::Result<policy::Catalog> catalog = policy::ParseCatalog(coffer::AsText(bytes));
  if (!catalog.ok()) {
    COFFER_CHECK(catalog.error().code() == coffer::ErrorCode::kInvalidArgument);
    return 0;
  }
  for (policy::CatalogField& field : catalog->fields) {  // there is nothing yet to rename
    field.renamed_from.reset();
    for (policy::CatalogIndex& index : field.indexes) index.renamed_from.reset();
  }
  for (const std::string& line : policy::LinesOf(policy::AssessIndexes(*catalog))) COFFER_CHECK(!line.empty());
  std::uint64_t next = 0;
  const auto fresh = [&next](auto uuid) {
    uuid.bytes.fill(std::byte{0x80});
    coffer::StoreU64(coffer::MutableBytes(uuid.bytes).first(8), ++next);
    return uuid;
  };
  const policy::PlanPorts ids = {[&] { return fresh(coffer::ScopeUuid()); }, [&] { return fresh(coffer::FieldUuid()); },
                                 [&] { return fresh(coffer::IndexDomainUuid()); },
                                 [](std::string_view) { return coffer::KeyVersion{1}; }};
  const coffer::Result<policy::CatalogChange> first = policy::PlanApply(*catalog, std::nullopt, std::nullopt, ids);
  COFFER_CHECK(first.ok() || first.error().limit() != 0 ||
               first.error().code() == coffer::ErrorCode::kFailedPrecondition);
  if (!first.ok()) return 0;
  const coffer::Result<policy::CatalogLock> read = policy::ParseCatalogLock(policy::WriteCatalogLock(first->lock));
  COFFER_CHECK(read.ok() && *read == first->lock);
  COFFER_CHECK(policy::CatalogView::Build(std::span(&*read, 1)).ok());
  const coffer::Result<policy::CatalogChange> again = policy::PlanApply(*catalog, *read, *read, ids);
  COFFER_CHECK(again.ok() && !again->changed && again->lines.empty());
  return 0;
}
