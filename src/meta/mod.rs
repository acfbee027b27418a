//! Rank 2. The cluster image and the controller that changes it. Pure.
