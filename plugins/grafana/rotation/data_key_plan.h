// DataKeyPlan: what becomes of each value under an old data key, once it is known that the secret_key is right.
#pragma once

#include "plugins/grafana/database/key_trials.h"
#include "plugins/grafana/rotation/data_key_rotation.h"
#include "plugins/grafana/rotation/envelope_cells.h"

namespace coffer::grafana {

// Not thread-safe.
class DataKeyPlan {
 public:
  // All must outlive it.
  DataKeyPlan(const EnvelopeCells& cells, const SecretBytes& secret_key, const DataKeyRotationOptions& options)
      : cells_(cells), secret_key_(secret_key), options_(options) {}

  // Tries the key, opens the values and, when it `encrypts`, makes the new ones, each decrypted again and compared.
  // kInternal: one does not come back; kResourceExhausted: a cell would be larger than is read.
  Status Make(bool encrypts);
  const DataKeyReport& report() const { return report_; }
  // After a Make that encrypts, without a refusal.
  const std::vector<RowChange>& changes() const { return changes_; }

 private:
  struct OpenedKey {
    SecretBytes key;
    bool is_told = false;  // by a tag, or by values that say enough
  };

  void ChooseTarget();
  void TryKeys();
  bool IsTargetProven(const std::vector<Trial>& trials);
  std::optional<SecretBytes> Open(const EnvelopeValue& value) const;
  Status MoveValues(bool encrypts);
  Status ChangeRow(const EnvelopeRow& row);
  UnreadableReason ReasonOf(const SecretBlob& blob) const;
  bool IsOfOthers(const SecretBlob& blob) const;
  void Count();

  const EnvelopeCells& cells_;
  const SecretBytes& secret_key_;
  const DataKeyRotationOptions& options_;
  const DataKey* target_ = nullptr;
  std::map<std::string, OpenedKey, std::less<>> keys_;
  std::size_t failed_ = 0;  // data keys that are under another secret_key, or what is under them is damaged
  std::vector<std::optional<Bytes>> moved_;    // of values(): the new blob, or the old one where nothing is encrypted
  std::map<std::string, std::uint64_t> from_;  // by data key: how many values are moved
  std::vector<RowChange> changes_;
  DataKeyReport report_;
};

}  // namespace coffer::grafana
