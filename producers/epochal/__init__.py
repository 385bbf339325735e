"""An event-sourced experiment tracker."""
