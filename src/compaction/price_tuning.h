// The price of a layer visit that would have met the target so far.
#pragma once

#include "compaction/rent_rule.h"
#include "packstore/compaction.h"

namespace packstore {

// The prices for the next plan. They stay as they are while `input` sets no target.
PriceTuning tune_prices(const PlannerInput& input, const CellPolicyOptions& options);

RentRule rule_of(const PlannerInput& input, const CellPolicyOptions& options);

}  // namespace packstore
