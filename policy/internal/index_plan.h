// The indexes' part of the step from a lock to a catalog: which go on, which versions are searched and written, which
// profiles and domains that takes.
#pragma once

#include "policy/catalog_plan.h"
#include "policy/index_planner.h"
#include "policy/internal/index_cost.h"

namespace coffer::policy {

// One run over a change whose fields are planned already. All references must outlive it.
class IndexPlan {
 public:
  // `change.lock.fields` begins with the fields of `wanted`, in their order, and holds the retired ones behind them;
  // change.lock.domains is replaced.
  IndexPlan(const Catalog& wanted, const CatalogLock& before, const PlanPorts& ports, CatalogChange& change)
      : wanted_(wanted), before_(before), ports_(ports), assessed_(AssessIndexes(wanted)), change_(change) {
    change_.lock.domains = before.domains;
  }

  // kFailedPrecondition with a path like "field.user.email.index.exact.write_version", and the file's line.
  Status Run();

 private:
  // The indexes of one field as they were applied.
  struct Applied {
    bool is_new_field = true;
    std::vector<PresentIndex> live;
  };

  Status CheckRefusals() const;
  Status PlanField(const CatalogField& wanted, LockedField& field);
  Result<const LockedIndex*> Origin(const CatalogField& field, const LockedField* applied,
                                    const CatalogIndex& wanted) const;
  Result<std::vector<const LockedIndex*>> OriginsOf(const CatalogField& field, const LockedField* applied) const;
  std::string CostOf(const CatalogField& field, Applied& applied, const CatalogIndex& wanted) const;
  bool HasAppliedPart(const CatalogIndex& wanted) const;
  bool HasPartsOf(const LockedIndex& origin, const CatalogIndex& wanted) const;
  Status AddIndex(const CatalogField& field, Applied& applied, const CatalogIndex& wanted, LockedIndex& index);
  Status ContinueIndex(const CatalogField& field, Applied& applied, const LockedIndex& origin,
                       const CatalogIndex& wanted, LockedIndex& index);
  Status AddVersion(const CatalogField& field, const CatalogIndex& wanted, LockedIndex& index);
  Status MoveVersions(const CatalogField& field, const CatalogIndex& wanted, std::uint16_t last_searched,
                      LockedIndex& index);
  Result<KeyVersion> PrimaryOf(const CatalogIndex& wanted) const;
  std::string DomainOf(const CatalogIndex& wanted, const LockedIndex& index);
  std::uint32_t ProfileOf(const std::string& domain, const IndexDefinition& definition);
  LockedDomain* FindDomain(std::string_view name);
  void RenamePartsOfTheRest();
  std::optional<FieldUuid> FieldAfter(const ColumnName& name) const;

  const Catalog& wanted_;
  const CatalogLock& before_;
  const PlanPorts& ports_;
  const CatalogAssessment assessed_;
  CatalogChange& change_;
};

}  // namespace coffer::policy
