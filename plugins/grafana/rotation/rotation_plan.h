// RotationPlan: what becomes of each data key and each legacy value, once it is known which key opens it.
#pragma once

#include "plugins/grafana/rotation/key_assignment.h"
#include "plugins/grafana/rotation/rotation.h"

namespace coffer::grafana {

// Not thread-safe.
class RotationPlan {
 public:
  // Tries the keys. `cells` and `keys` must outlive it.
  RotationPlan(const KeyedCells& cells, const RotationKeys& keys, const RotationOptions& options);

  const RotationReport& report() const { return report_; }

  // Makes the new blobs, each decrypted again and compared, and the rows with them. Only without a refusal. kInternal:
  // a blob does not come back.
  Result<std::vector<RowChange>> MakeChanges();

  // Whether `after`, read when the changes were written, is what should be there: everything that was to change is one
  // of the new blobs, and nothing else is another. kInternal: it is not.
  Status CheckWritten(const KeyedCells& after) const;

 private:
  bool Moves(const std::optional<std::size_t>& candidate) const { return candidate && *candidate >= first_old_; }
  void Assess();
  void AssessDataKeys();
  void AssessRow(const LegacyRow& row);
  bool OpensWithOld() const;
  void Refuse();
  Status EncryptUnit(std::size_t unit);
  RowChange ChangeOf(const LegacyRow& row);
  void Show(RotationStep step, std::uint64_t done, std::uint64_t total) const;

  const KeyedCells& cells_;
  const RotationKeys& keys_;
  const RotationOptions& options_;
  std::vector<const SecretBytes*> candidates_;
  std::size_t first_old_ = 0;  // of candidates_: those before it are the target
  KeyAssignment assignment_;
  RotationReport report_;
  std::vector<Bytes> data_keys_;  // new cells; empty: stays
  std::vector<Bytes> values_;     // new blobs; empty: stays
  // Of values(): what the rows will hold of each. Both, where one of its cells cannot be rewritten.
  std::vector<bool> new_ones_;
  std::vector<bool> old_ones_;
};

}  // namespace coffer::grafana
